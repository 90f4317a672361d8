{#-
Keep the units whose segments may have changed since a watermark: those newly exposed,
and those whose session, or whose visitor's first session, did.
-#}
{% macro keep_changed_segments(mark) -%}
    {%- do keep_changed_visitors(mark) -%}
    {%- set exposed = rows_since(ref('int_exposures'), mark) -%}
    {%- set query -%}
        select site_id, experiment_id, unit_id from ({{ exposed }}) as new_exposures
        union
        select site_id, experiment_id, unit_id from {{ this }}
        where {{ among_kept('changed_visitors', ['site_id', 'visitor_id']) }}
        union
        select site_id, experiment_id, unit_id from {{ this }}
        where {{ among_kept('changed_streams', ['site_id', 'stream_id']) }}
    {%- endset -%}
    {%- do keep('changed_units', mark, query) -%}
{%- endmacro %}
