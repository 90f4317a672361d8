{#-
Tells sites for which two ways of counting the same disagree.

`first` and `second` are queries with a site id and these columns.
-#}
{% macro disagreeing_sites(first, second, columns) -%}
    select
        coalesce(first_totals.site_id, second_totals.site_id) as site_id
        {%- for column in columns %},
        first_totals.{{ column }} as first_{{ column }},
        second_totals.{{ column }} as second_{{ column }}
        {%- endfor %}
    from ({{ first }}) as first_totals
    full outer join ({{ second }}) as second_totals
        on first_totals.site_id = second_totals.site_id
    where
        {%- for column in columns %}
        {{ 'or ' if not loop.first -}}
        coalesce(first_totals.{{ column }}, 0)
        != coalesce(second_totals.{{ column }}, 0)
        {%- endfor %}
{%- endmacro %}
