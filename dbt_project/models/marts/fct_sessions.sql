{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='fail',
        pre_hook=before_increment(['{{ delete_changed_sessions() }}']),
        post_hook=after_increment(['int_sessions']),
    )
}}
{%- set since = keep_changed_streams(watermark()) %}

with

events as {{ not_materialized() }} (

    {{ events_of_changed_sessions(since) }}

),

known_sites as (

    select * from {{ ref('referrer_sites') }}

),

heartbeats as (

    select distinct
        site_id,
        session_id,
        page_view_id,
        {{ heartbeat('event_at') }} as heartbeat
    from events
    where event_name = 'engagement' and is_page_event

),

engagements as (

    select
        site_id,
        session_id,
        {{ engaged_seconds('count(*)', 'count(distinct page_view_id)') }}
            as engaged_seconds
    from heartbeats
    group by site_id, session_id

),

totals as (

    select
        site_id,
        stream_id,
        session_id,
        first_event_at,
        max(event_at) as ended_at,
        count(*) as events,
        count(distinct case when is_page_event then page_view_id end) as page_views,
        sum(case when event_type = 'conversion' then 1 else 0 end) as conversions,
        sum(coalesce(value_cents, 0)) as value_cents,
        {{ first_of(
            [
                'event_name', 'visitor_id', 'url', 'referrer', 'device', 'browser',
                'os', 'country', 'is_cookieless', 'metadata',
            ],
            ['event_at', 'event_id'],
            'is_page_event'
        ) }} as first_page,
        {{ last_of(
            ['url', 'metadata'],
            ['event_at', 'event_id'],
            "event_type = 'page_view'"
        ) }} as last_view
    from events
    group by site_id, stream_id, session_id, first_event_at

),

visits as (

    select
        *,
        coalesce(last_view.metadata, first_page.metadata) as last_metadata,
        case
            when last_view is null then first_page.url
            else last_view.url
        end as last_page_url
    from totals
    where first_page is not null

),

landings as (

    select
        site_id,
        session_id,
        {{ json_texts('first_page.metadata', [
            'title', 'marketingSource', 'marketingMedium', 'marketingCampaign',
            'marketingTerm', 'marketingContent',
        ]) }} as texts,
        {{ click_id('first_page.url') }} as click_id,
        {{ site_of('first_page.url') }} as page_site,
        {{ site_of('first_page.referrer') }} as referrer_site,
        {{ url_parameter('first_page.url', 'utm_source') }} as utm_source,
        {{ url_parameter('first_page.url', 'utm_medium') }} as utm_medium,
        {{ url_parameter('first_page.url', 'utm_campaign') }} as utm_campaign,
        {{ url_parameter('first_page.url', 'utm_term') }} as utm_term,
        {{ url_parameter('first_page.url', 'utm_content') }} as utm_content
    from visits

),

campaigns as (

    select
        site_id,
        session_id,
        {{ item('texts', 0) }} as first_page_title,
        click_id,
        coalesce(utm_source, lower({{ item('texts', 1) }})) as campaign_source,
        coalesce(utm_medium, lower({{ item('texts', 2) }})) as campaign_medium,
        coalesce(utm_campaign, lower({{ item('texts', 3) }})) as campaign,
        coalesce(utm_term, lower({{ item('texts', 4) }})) as campaign_term,
        coalesce(utm_content, lower({{ item('texts', 5) }})) as campaign_content,
        case
            when {{ is_same_site('referrer_site', 'page_site') }} then null
            else referrer_site
        end as referrer_site
    from landings

),

arrivals as (

    select
        *,
        coalesce(campaign_source, {{ of_click_id('click_id', 1) }}) as tagged_source,
        coalesce(campaign_medium, {{ of_click_id('click_id', 2) }}) as tagged_medium,
        coalesce(campaign_source, campaign_medium, campaign, click_id) is not null
            as is_tagged
    from campaigns

),

traffic as (

    select
        arrivals.*,
        coalesce(referrers.source, parents.source, arrivals.referrer_site)
            as referring_source,
        case
            when arrivals.is_tagged then tags.category
            else coalesce(referrers.category, parents.category)
        end as category
    from arrivals
    left join known_sites as tags
        on arrivals.tagged_source = tags.site
    left join known_sites as referrers
        on arrivals.referrer_site = referrers.site
    left join known_sites as parents
        on
            {{ parent_site('arrivals.referrer_site') }} = parents.site
            and parents.category not in ('search', 'other')

),

sources as (

    select
        *,
        case
            when is_tagged then coalesce(tagged_source, '(not set)')
            else coalesce(referring_source, '(direct)')
        end as traffic_source,
        case
            when is_tagged then coalesce(tagged_medium, '(not set)')
            when referring_source is null then '(none)'
            else {{ referral_medium('category') }}
        end as traffic_medium
    from traffic

),

joined as (

    select
        visits.site_id,
        visits.session_id,
        visits.stream_id,
        visits.first_page.visitor_id,
        visits.first_event_at,
        case
            when visits.first_page.event_name = 'engagement'
                then
                    {{ dbt.dateadd(
                        'second', -var('min_visit_seconds'), 'visits.first_event_at'
                    ) }}
            else visits.first_event_at
        end as started_at,
        visits.ended_at,
        visits.events,
        visits.page_views,
        coalesce(engagements.engaged_seconds, 0) as engaged_seconds,
        cast(visits.conversions as bigint) as conversions,
        cast(visits.value_cents as bigint) as value_cents,
        visits.first_page.url as first_page_url,
        sources.first_page_title,
        visits.last_page_url,
        {{ json_text('visits.last_metadata', 'title') }} as last_page_title,
        visits.first_page.referrer,
        sources.traffic_source,
        sources.traffic_medium,
        sources.campaign,
        sources.campaign_term,
        sources.campaign_content,
        sources.click_id,
        {{ default_channel(
            'sources.traffic_source',
            'sources.traffic_medium',
            'sources.campaign',
            'sources.category',
        ) }} as channel,
        visits.first_page.device,
        visits.first_page.browser,
        visits.first_page.os,
        visits.first_page.country,
        visits.first_page.is_cookieless
    from visits
    inner join sources
        on
            visits.site_id = sources.site_id
            and visits.session_id = sources.session_id
    left join engagements
        on
            visits.site_id = engagements.site_id
            and visits.session_id = engagements.session_id

),

final as (

    select
        *,
        {{ dbt.datediff(
            'started_at', 'ended_at', 'second'
        ) }} as absolute_seconds,
        page_views >= 2
        or engaged_seconds >= 2 * {{ var('heartbeat_seconds') }}
        or conversions > 0 as is_engaged
    from joined

)

-- in the order of time, so that a look for recent sessions skips the rest
select * from final
order by first_event_at
