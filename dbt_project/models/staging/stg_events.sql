{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment([
            '{{ forget_overtaken_models() }}',
            '{{ delete_overtaken_events() }}',
        ]),
        post_hook=['{{ save_raw_watermark() }}', '{{ tidy_raw_watermark() }}'],
    )
}}
{%- set mark = watermark() %}

with

new_records as (

    {{ new_raw_events(mark) }}

),

keyed as (

    select
        *,
        {{ hash_number("site_id || '|' || event_id") }} as event_key
    from new_records

),

repeated_keys as (

    select event_key from keyed
    group by event_key
    having count(*) > 1

),

numbered as (

    select
        keyed.log_partition,
        keyed.log_offset,
        row_number() over (
            partition by keyed.event_key, keyed.site_id, keyed.event_id
            order by keyed.log_partition, keyed.log_offset
        ) as position_among_duplicates
    from keyed
    inner join repeated_keys
        on keyed.event_key = repeated_keys.event_key

),

repeats as (

    select * from numbered
    where position_among_duplicates > 1

),

firsts as (

    select keyed.*
    from keyed
    left join repeats
        on
            keyed.log_partition = repeats.log_partition
            and keyed.log_offset = repeats.log_offset
    where repeats.log_offset is null

),

read as (

    select
        *,
        {{ json_texts('metadata', [
            'name', 'unitId', 'pageViewId', 'device', 'browser', 'os', 'country',
            'isCookieless',
        ]) }} as texts
    from firsts

),

described as (

    select
        *,
        {{ item('texts', 0) }} as given_name,
        {{ item('texts', 1) }} as given_unit_id,
        {{ item('texts', 2) }} as given_page_view_id,
        {{ item('texts', 3) }} as device,
        {{ item('texts', 4) }} as browser,
        {{ item('texts', 5) }} as os,
        {{ item('texts', 6) }} as country,
        coalesce({{ item('texts', 7) }} = 'true', false) as is_cookieless
    from read

),

named as (

    select
        site_id,
        event_id,
        event_key,
        event_type,
        case
            when event_type = 'interaction' then coalesce(given_name, event_type)
            else event_type
        end as event_name,
        goal_type,
        {{ cents('conversion_value') }} as value_cents,
        visitor_id,
        coalesce(given_unit_id, visitor_id) as unit_id,
        session_id as client_session_id,
        coalesce('s:' || session_id, 'v:' || visitor_id) as stream_id,
        case
            when event_type = 'page_view'
                then coalesce(given_page_view_id, event_id)
            else given_page_view_id
        end as page_view_id,
        {{ happened_at() }} as event_at,
        event_at as client_at,
        sent_at,
        received_at,
        url,
        referrer,
        device,
        browser,
        os,
        country,
        is_cookieless,
        metadata,
        origin,
        bot_reason is not null as is_bot,
        bot_reason,
        log_partition,
        log_offset
    from described

),

final as (

    select * from named
    {%- if mark is not none %}
    where
        not exists (
            select 1
            from {{ this }} as known
            where
                known.event_key = named.event_key
                and known.site_id = named.site_id
                and known.event_id = named.event_id
        )
    {%- endif %}

)

select * from final
