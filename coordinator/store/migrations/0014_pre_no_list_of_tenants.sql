-- Nobody asks which tenants are served; a program of before does not, either.
drop function fleet_tenants();
