-- The body and columns of an event may go once no law asks for them; its hash stays. The program can't do so by itself:
-- only by this function, which takes nothing that is younger than six years (45 CFR 164.316(b)(2)(i), 164.528(a)), and
-- only what an event of the log, written before, says was taken.
create function audit_prune(one bigint, firsts bigint[], lasts bigint[]) returns bigint
    language plpgsql security definer set search_path = coordinator, pg_temp
as $$
declare
    ours constant text := current_setting('coordinator.tenant');
    taken bigint;
begin
    if not exists (select from audit where tenant = ours and seq = one and kind = 'prune') then
        raise exception 'no prune is logged at this place';
    end if;
    update audit
       set body = '', actor = '', person = null, ehr = null, consent = null, purpose = null, subject = '', pruned_by = one
      from unnest(firsts, lasts) as span(first, last)
     where tenant = ours and seq between span.first and span.last and seq < one and pruned_by is null
       and at < now() - interval '6 years' and kind not in ('prune', 'hold', 'release-hold');
    get diagnostics taken = row_count;
    return taken;
end
$$;
revoke all on function audit_prune(bigint, bigint[], bigint[]) from public;
grant execute on function audit_prune(bigint, bigint[], bigint[]) to coordinator_app;
