{{
    config(
        materialized='incremental',
        incremental_strategy='replace_spans',
        on_schema_change='fail',
        pre_hook=before_increment(),
        post_hook=after_increment(['stg_events']),
    )
}}
{%- set mark = watermark() %}
{%- do keep_new_streams(mark) %}

with

new_events as (

    {{ new_human_events(mark) }}

),

event_spans as (

    select
        site_id,
        stream_id,
        event_at as started_at,
        event_at as last_event_at
    from new_events

),

spans as (

    select * from event_spans
    {%- if mark is not none %}
    {%- for reach in joinable_spans(joinable_since(mark)) %}
    union all
    select
        site_id,
        stream_id,
        started_at,
        last_event_at
    from {{ this }}
    where
        {{ reach }}
        and {{ among_kept('changed_streams', ['site_id', 'stream_id']) }}
    {%- endfor %}
    {%- endif %}

),

longest_spans as (

    select
        site_id,
        stream_id,
        started_at,
        max(last_event_at) as last_event_at
    from spans
    group by site_id, stream_id, started_at

),

reached as (

    select
        *,
        max(last_event_at) over (
            partition by site_id, stream_id
            order by started_at
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from longest_spans

),

marked as (

    select
        *,
        case
            when reached_at is null then 1
            when stream_id like 's:%' then 0
            when
                started_at > {{ dbt.dateadd(
                    'minute', var('session_gap_minutes'), 'reached_at'
                ) }}
                then 1
            else 0
        end as begins_session
    from reached

),

numbered as (

    select
        *,
        sum(begins_session) over (
            partition by site_id, stream_id
            order by started_at
            rows between unbounded preceding and current row
        ) as session_number
    from marked

),

sessions as (

    select
        site_id,
        stream_id,
        min(started_at) as started_at,
        max(last_event_at) as last_event_at
    from numbered
    group by site_id, stream_id, session_number

),

final as (

    select
        site_id,
        stream_id,
        case
            when stream_id like 's:%' then substring(stream_id, 3)
            else {{ session_hash('site_id', 'stream_id', 'started_at') }}
        end as session_id,
        started_at,
        last_event_at,
        {{ session_limit('started_at') }} as counted_until,
        last_event_at > {{ session_limit('started_at') }} as is_quarantined
    from sessions

)

-- in the order of time, so that a look for recent sessions skips the rest
select * from final
order by started_at
