{#-
A stream is what sessions are cut from: a client's session where it gave one, else
a visitor. A session changes only from the first session on that a new event of its
stream falls into; everything before stays as it is.
-#}

{#- The end of the time in which a session's events count. -#}
{% macro session_limit(started_at) -%}
    {{ dbt.dateadd('day', var('session_max_days'), started_at) }}
{%- endmacro %}

{#- The id of a session that the client gave none for. -#}
{% macro session_hash(site_id, stream_id, started_at) -%}
    {{ dbt.hash(
        site_id ~ " || '|' || " ~ stream_id ~ " || '|' || cast("
        ~ started_at ~ " as " ~ dbt.type_string() ~ ")"
    ) }}
{%- endmacro %}

{#- Seconds engaged: each page's first heartbeat counts for the shortest visit. -#}
{% macro engaged_seconds(heartbeats, pages) -%}
    {{ var('heartbeat_seconds') }} * ({{ heartbeats }} - {{ pages }})
    + {{ var('min_visit_seconds') }} * {{ pages }}
{%- endmacro %}

{#- The heartbeat that a time falls into. -#}
{% macro heartbeat(column) -%}
    cast(
        floor({{ epoch_seconds(column) }} / {{ var('heartbeat_seconds') }}) as bigint
    )
{%- endmacro %}

{#- The events of people since a watermark. -#}
{% macro new_human_events(mark) -%}
    select * from ({{ rows_since(ref('stg_events'), mark) }}) as new_events
    where not new_events.is_bot
{%- endmacro %}

{#-
The time since which a visitor's session must have lasted for a new event to be able
to join it, as a literal. One that ended before stays as it is.
-#}
{% macro joinable_since(mark) -%}
    {%- if mark is none -%}{{- return(none) -}}{%- endif -%}
    {%- set query -%}
        select
            {{ dbt.dateadd(
                'minute', -var('session_gap_minutes'), 'min(event_at)'
            ) }} as joinable_since
        from ({{ new_human_events(mark) }}) as new_events
    {%- endset -%}
    {{- return(run_query(query).rows[0][0] or '9999-12-31 00:00:00') -}}
{%- endmacro %}

{#-
Conditions on the sessions that new events of their stream can join, each row in one
of them: recent ones, and a client's of any age. Two, not one with `or`, so that the
first skips what is older, and the second leaves visitors out by the name alone.
-#}
{% macro joinable_spans(since) %}
    {{- return([
        "last_event_at >= timestamp '" ~ since ~ "'",
        "last_event_at < timestamp '" ~ since ~ "'\n"
        ~ "        and stream_id >= 's:'\n        and stream_id < 's;'",
    ]) -}}
{% endmacro %}

{#- Strategy: the sessions that were merged with new events go, what they became comes. -#}
{% macro get_incremental_replace_spans_sql(arg_dict) %}
    {%- set target, spans = arg_dict.target_relation, arg_dict.temp_relation -%}
    {%- set mark = watermark() -%}
    {%- for reach in joinable_spans(joinable_since(mark)) if mark is not none %}
    delete from {{ target }}
    where
        {{ reach }}
        and {{ among_kept('changed_streams', ['site_id', 'stream_id']) }};
    {%- endfor %}
    {%- set columns = get_quoted_csv(arg_dict.dest_columns | map(attribute='name')) %}
    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ spans }}
{% endmacro %}

{#-
The start of the earliest session that new events count in, as a literal; none for
a model that is built anew. Without such events a time that no event has.
-#}
{% macro changed_since(mark) %}
    {%- set sessions = ref('int_sessions') -%}
    {%- set new_events = new_human_events(mark) -%}
    {%- if mark is none -%}{{- return(none) -}}{%- endif -%}
    {%- set earliest = run_query(
        'select min(event_at) from (' ~ new_events ~ ') as new_events'
    ).rows[0][0] -%}
    {%- set query -%}
        select min(sessions.started_at) as changed_since
        from ({{ new_events }}) as new_events
        inner join {{ sessions }} as sessions
            on
                sessions.site_id = new_events.site_id
                and sessions.stream_id = new_events.stream_id
                and sessions.started_at <= new_events.event_at
                and sessions.last_event_at >= new_events.event_at
                and sessions.counted_until >= new_events.event_at
        where
            sessions.counted_until >= timestamp '{{ earliest }}'
            and sessions.last_event_at >= timestamp '{{ earliest }}'
    {%- endset -%}
    {%- set found = run_query(query).rows[0][0] if earliest is not none -%}
    {{- return(found | string if found else '9999-12-31 00:00:00') -}}
{% endmacro %}

{#- Keep the streams with new events. -#}
{% macro keep_new_streams(mark) -%}
    {%- do keep(
        'changed_streams',
        mark,
        'select distinct site_id, stream_id from ('
        ~ new_human_events(mark) ~ ') as human_events'
    ) -%}
{%- endmacro %}

{#- Keep the streams with new events, and tell since when their sessions changed. -#}
{% macro keep_changed_streams(mark) -%}
    {%- set since = changed_since(mark) -%}
    {%- set query -%}
        select distinct
            site_id,
            stream_id,
            timestamp '{{ since }}' as changed_since
        from ({{ new_human_events(mark) }}) as human_events
    {%- endset -%}
    {%- do keep('changed_streams', mark, query) -%}
    {{- return(since) -}}
{%- endmacro %}

{#- The events of the sessions that changed since a time; all without one. -#}
{% macro events_of_changed_sessions(since) -%}
    select * from {{ ref('int_events_sessionized') }}
    {%- if since is not none %}
    where
        event_at >= timestamp '{{ since }}'
        and first_event_at >= timestamp '{{ since }}'
        and {{ among_kept('changed_streams', ['site_id', 'stream_id']) }}
    {%- endif %}
{%- endmacro %}

{#- Hook: delete the rows that a model of sessions will write again. -#}
{% macro delete_changed_sessions() %}
    {%- if watermark() is not none -%}
        {%- set since = run_query(
            'select min(changed_since) from ' ~ kept('changed_streams')
        ).rows[0][0] -%}
        delete from {{ this }}
        where
            first_event_at >= timestamp '{{ since or '9999-12-31 00:00:00' }}'
            and {{ among_kept('changed_streams', ['site_id', 'stream_id']) }}
    {%- endif -%}
{% endmacro %}

{#-
The new events, and those of people that a changed session may have counted, or
counts now, on another day or for another visitor. Keeps the changed streams.
-#}
{% macro changed_events(mark) -%}
    {%- set since = keep_changed_streams(mark) -%}
    {{ rows_since(ref('stg_events'), mark) }}
    {%- if mark is not none %}
    union all
    select * from {{ ref('stg_events') }}
    where
        event_at >= timestamp '{{ since }}'
        and {{ among_kept('changed_streams', ['site_id', 'stream_id']) }}
    {%- endif %}
{%- endmacro %}
