-- What a transaction says of itself.

-- name: say
-- Told to the triggers until it ends; only of the tenant that this connection is for.
select set_config('coordinator.' || %(name)s, %(value)s, true)
 where %(tenant)s = current_setting('coordinator.tenant', true)
