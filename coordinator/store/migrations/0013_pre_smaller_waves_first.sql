-- What comes in bulk goes in order of size: a first load of thousands lets a wave of some dozens pass, whenever it comes.
create or replace function urgency(p_usual integer, p_count bigint) returns integer language sql stable as $$
    select case when current_setting('coordinator.urgent', true) = 'on' then 20
                when p_count > 20 then least(p_usual, -10 - floor(log(10, p_count / 20.0))::integer)
                else p_usual end
$$;
