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
        and exists (
            select 1
            from {{ spans }} as spans
            where
                spans.site_id = {{ target.name }}.site_id
                and spans.stream_id = {{ target.name }}.stream_id
        );
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
    {%- if mark is none -%}{{- return(none) -}}{%- endif -%}
    {%- set new_events = new_human_events(mark) -%}
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

{#- The streams with new events; read with `changed_since`. -#}
{% macro changed_streams(mark) -%}
    select distinct
        site_id,
        stream_id
    from ({{ new_human_events(mark) }}) as human_events
{%- endmacro %}

{#- The events of the sessions that changed since a watermark; all without one. -#}
{% macro events_of_changed_sessions(mark) -%}
    {%- set since = changed_since(mark) -%}
    {%- set streams = changed_streams(mark) -%}
    select * from {{ ref('int_events_sessionized') }}
    {%- if mark is not none %} as events
    where
        event_at >= timestamp '{{ since }}'
        and first_event_at >= timestamp '{{ since }}'
        and exists (
            select 1
            from ({{ streams }}) as streams
            where
                streams.site_id = events.site_id
                and streams.stream_id = events.stream_id
        )
    {%- endif %}
{%- endmacro %}

{#- Hook: delete the rows that a model of sessions will write again. -#}
{% macro delete_changed_sessions() %}
    {%- set mark = watermark() -%}
    {%- if mark is not none -%}
        delete from {{ this }}
        where
            first_event_at >= timestamp '{{ changed_since(mark) }}'
            and exists (
                select 1
                from ({{ changed_streams(mark) }}) as streams
                where
                    streams.site_id = {{ this.name }}.site_id
                    and streams.stream_id = {{ this.name }}.stream_id
            )
    {%- endif -%}
{% endmacro %}

{#-
The new events, and those of people that a changed session may have counted, or
counts now, on another day or for another visitor.
-#}
{% macro changed_events(mark) -%}
    {%- set since = changed_since(mark) -%}
    {%- set streams = changed_streams(mark) -%}
    {{ rows_since(ref('stg_events'), mark) }}
    {%- if mark is not none %}
    union all
    select * from {{ ref('stg_events') }} as old_events
    where
        old_events.event_at >= timestamp '{{ since }}'
        and exists (
            select 1
            from ({{ streams }}) as streams
            where
                streams.site_id = old_events.site_id
                and streams.stream_id = old_events.stream_id
        )
    {%- endif %}
{%- endmacro %}
