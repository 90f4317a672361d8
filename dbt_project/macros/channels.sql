{#- Where a visit came from, of the address of its first page and the referrer. -#}

{#- A text with the escapes of addresses taken out; null where it is empty. -#}
{% macro unescaped(text) -%}
    nullif(trim({{ adapter.dispatch('url_decoded')(
        "replace(" ~ text ~ ", '+', ' ')"
    ) }}), '')
{%- endmacro %}
{% macro duckdb__url_decoded(text) %}url_decode({{ text }}){% endmacro %}
{% macro spark__url_decoded(text) %}try_url_decode({{ text }}){% endmacro %}

{#- The host of an address without `www.`, in lower case. -#}
{% macro site_of(url) -%}
    regexp_replace(lower({{ url_part(url, 'host') }}), '^www[.]', '')
{%- endmacro %}

{#- What is left of a host without its first part. -#}
{% macro parent_site(site) -%}
    regexp_replace({{ site }}, '^[^.]*[.]', '')
{%- endmacro %}

{#- Whether two sites are one, or one a part of the other. -#}
{% macro is_same_site(first, second) -%}
    {{ first }} = {{ second }}
    or {{ first }} like '%.' || {{ second }}
    or {{ second }} like '%.' || {{ first }}
{%- endmacro %}

{#- A parameter of an address, in lower case, as GA4 compares them. -#}
{% macro url_parameter(url, name) -%}
    lower({{ unescaped(
        "regexp_extract(" ~ url ~ ", '[?&]" ~ name ~ "=([^&#]*)', 1)"
    ) }})
{%- endmacro %}

{#- The name of the first click id in an address; null without one. -#}
{% macro click_id(url) -%}
    nullif(
        regexp_extract(
            {{ url }},
            '[?&]({{ click_ids() | map(attribute=0) | join('|') }})=[^&#]',
            1
        ),
        ''
    )
{%- endmacro %}

{#-
Parameters that a network adds to the addresses of its links: name, source, medium.
Those that it adds to every link, paid for or not, say no more than a referrer does.
-#}
{% macro click_ids() %}
    {{- return([
        ('gclid', 'google', 'cpc'),
        ('gbraid', 'google', 'cpc'),
        ('wbraid', 'google', 'cpc'),
        ('gad_source', 'google', 'cpc'),
        ('dclid', 'google', 'display'),
        ('msclkid', 'bing', 'cpc'),
        ('yclid', 'yandex', 'cpc'),
        ('ttclid', 'tiktok', 'cpc'),
        ('twclid', 'twitter', 'cpc'),
        ('li_fat_id', 'linkedin', 'cpc'),
        ('rdt_cid', 'reddit', 'cpc'),
        ('ScCid', 'snapchat', 'cpc'),
        ('fbclid', 'facebook', 'referral'),
        ('igshid', 'instagram', 'referral'),
        ('igsh', 'instagram', 'referral'),
        ('epik', 'pinterest', 'referral'),
        ('mc_cid', 'mailchimp', 'email'),
    ]) -}}
{% endmacro %}

{#- What the click id in a column means: its source (1) or its medium (2). -#}
{% macro of_click_id(column, part) -%}
    case {{ column }}
        {%- for click in click_ids() %}
        when '{{ click[0] }}' then '{{ click[part] }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- The medium of a visit that a site of this category referred. -#}
{% macro referral_medium(category) -%}
    case {{ category }}
        when 'search' then 'organic'
        when 'ai_assistant' then 'ai-assistant'
        when 'email' then 'email'
        when 'paid' then 'paid'
        else 'referral'
    end
{%- endmacro %}

{#-
The channel by the rules of GA4's default channel group, in Google's order, the first
that fits (support page 9756891; AI Assistant since May 2026). Google's lists of sites
are those of `referrer_sites`. All is in lower case; the campaign may be null.
-#}
{% macro default_channel(source, medium, campaign, category) -%}
    {%- set is_shopping = "(" ~ category ~ " = 'shopping' or "
        ~ matches(campaign, '(^|[^a-df-z])shop|shopping') ~ ")" -%}
    {%- set is_paid = matches(medium, '^(.*cp.*|ppc|retargeting|paid.*)$') -%}
    case
        when {{ source }} = '(direct)' and {{ medium }} in ('(none)', '(not set)')
            then 'Direct'
        when {{ matches(campaign, 'cross-network') }} then 'Cross-network'
        when {{ is_shopping }} and {{ is_paid }} then 'Paid Shopping'
        when {{ category }} = 'search' and {{ is_paid }} then 'Paid Search'
        when {{ category }} = 'social' and {{ is_paid }} then 'Paid Social'
        when {{ category }} = 'video' and {{ is_paid }} then 'Paid Video'
        when
            {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm')
            then 'Display'
        when {{ is_paid }} then 'Paid Other'
        when {{ medium }} = 'ai-assistant' then 'AI Assistant'
        when {{ is_shopping }} then 'Organic Shopping'
        when
            {{ category }} = 'social'
            or {{ medium }} in (
                'social', 'social-network', 'social-media', 'sm', 'social network',
                'social media'
            )
            then 'Organic Social'
        when {{ category }} = 'video' or {{ matches(medium, 'video') }}
            then 'Organic Video'
        when {{ category }} = 'search' or {{ medium }} = 'organic'
            then 'Organic Search'
        when
            {{ source }} in ('email', 'e-mail', 'e_mail', 'e mail')
            or {{ medium }} in ('email', 'e-mail', 'e_mail', 'e mail')
            then 'Email'
        when {{ medium }} in ('affiliate', 'affiliates') then 'Affiliates'
        when {{ medium }} in ('referral', 'app', 'link') then 'Referral'
        when {{ medium }} = 'audio' then 'Audio'
        when {{ source }} = 'sms' or {{ medium }} = 'sms' then 'SMS'
        when
            {{ matches(medium, 'push$|mobile|notification') }} or {{ source }} = 'firebase'
            then 'Mobile Push Notifications'
        else 'Unassigned'
    end
{%- endmacro %}

{#- All of them, for tests of what a column may hold. -#}
{% macro channels() %}
    {{- return([
        'Direct', 'Cross-network', 'Paid Shopping', 'Paid Search', 'Paid Social',
        'Paid Video', 'Display', 'Paid Other', 'AI Assistant', 'Organic Shopping',
        'Organic Social', 'Organic Video', 'Organic Search', 'Email', 'Affiliates',
        'Referral', 'Audio', 'SMS', 'Mobile Push Notifications', 'Unassigned',
    ]) -}}
{% endmacro %}
