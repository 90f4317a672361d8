{#- Expressions whose spelling differs between DuckDB and Spark. -#}

{#- A field of a JSON text as text; null where absent. -#}
{% macro json_text(column, field) %}
    {{- adapter.dispatch('json_text')(column, field) -}}
{% endmacro %}
{% macro duckdb__json_text(column, field) -%}
    json_extract_string({{ column }}, '$.{{ field }}')
{%- endmacro %}
{% macro spark__json_text(column, field) -%}
    get_json_object({{ column }}, '$.{{ field }}')
{%- endmacro %}

{#- Several fields of a JSON text as a list of texts, which is read once for all. -#}
{% macro json_texts(column, fields) %}
    {{- adapter.dispatch('json_texts')(column, fields) -}}
{% endmacro %}
{% macro duckdb__json_texts(column, fields) -%}
    json_extract_string(
        {{ column }}, ['$.{{ fields | join("', '$.") }}']
    )
{%- endmacro %}
{% macro spark__json_texts(column, fields) -%}
    array(
        {%- for field in fields -%}
        get_json_object({{ column }}, '$.{{ field }}'){{ ', ' if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{#- The item of a list at a position, from 0. -#}
{% macro item(list, position) %}
    {{- adapter.dispatch('item')(list, position) -}}
{% endmacro %}
{% macro duckdb__item(list, position) %}{{ list }}[{{ position + 1 }}]{% endmacro %}
{% macro spark__item(list, position) %}{{ list }}[{{ position }}]{% endmacro %}

{#- A number of 64 bits from a text, the same in every run and version. -#}
{% macro hash_number(text) %}
    {{- adapter.dispatch('hash_number')(text) -}}
{% endmacro %}
{% macro duckdb__hash_number(text) -%}
    cast(md5_number_lower({{ text }}) >> 1 as bigint)
{%- endmacro %}
{% macro spark__hash_number(text) -%}
    xxhash64({{ text }})
{%- endmacro %}

{#- Whether a text has a part that fits the expression; null of a null. -#}
{% macro matches(text, expression) %}
    {{- adapter.dispatch('matches')(text, expression) -}}
{% endmacro %}
{% macro duckdb__matches(text, expression) -%}
    regexp_matches({{ text }}, '{{ expression }}')
{%- endmacro %}
{% macro spark__matches(text, expression) -%}
    {{ text }} rlike '{{ expression }}'
{%- endmacro %}

{#- An integer wide enough for sums of squares of cents. -#}
{% macro wide_integer() %}
    {{- adapter.dispatch('wide_integer')() -}}
{% endmacro %}
{% macro duckdb__wide_integer() %}hugeint{% endmacro %}
{% macro spark__wide_integer() %}decimal(38, 0){% endmacro %}

{#- Seconds since 1970, with their fraction. -#}
{% macro epoch_seconds(column) %}
    {{- adapter.dispatch('epoch_seconds')(column) -}}
{% endmacro %}
{% macro duckdb__epoch_seconds(column) -%}
    epoch({{ column }})
{%- endmacro %}
{% macro spark__epoch_seconds(column) -%}
    unix_micros({{ column }}) / 1e6
{%- endmacro %}

{#- Money as whole cents, so that sums are exact in any order. -#}
{% macro cents(column) -%}
    cast(round({{ column }} * 100) as bigint)
{%- endmacro %}

{#- A whole number in a JSON text; null where absent or no number. -#}
{% macro json_number(column, field) -%}
    {{ dbt.safe_cast(json_text(column, field), 'bigint') }}
{%- endmacro %}

{#-
The columns of the first row of a group, as one struct; null where no row fits.

The order must be total, or the answer would depend on how the engine works.
-#}
{% macro first_of(columns, order_by, where='true') %}
    {{- adapter.dispatch('extreme_of')('min', columns, order_by, where) -}}
{% endmacro %}
{% macro last_of(columns, order_by, where='true') %}
    {{- adapter.dispatch('extreme_of')('max', columns, order_by, where) -}}
{% endmacro %}
{% macro duckdb__extreme_of(extreme, columns, order_by, where) -%}
    arg_{{ extreme }}(
        struct_pack(
            {%- for column in columns -%}
            {{ column }} := {{ column }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        ),
        row({{ order_by | join(', ') }})
    ) filter (where {{ where }})
{%- endmacro %}
{% macro spark__extreme_of(extreme, columns, order_by, where) -%}
    {{ extreme }}_by(
        struct({{ columns | join(', ') }}), struct({{ order_by | join(', ') }})
    ) filter (where {{ where }})
{%- endmacro %}

{#-
A text as another type; null where it is none. dbt's own is a plain cast on DuckDB,
with which one visitor's `{"lcp": "slow"}` would stop every build.
-#}
{% macro duckdb__safe_cast(field, type) -%}
    try_cast({{ field }} as {{ type }})
{%- endmacro %}

{#-
Between `as` and the query of a CTE that is read several times: read anew each time.
DuckDB would hold such a CTE whole in memory, all columns of all events in a full
build; 10 M of them did not fit into 4 GB beside the sessions.
-#}
{% macro not_materialized() %}
    {{- adapter.dispatch('not_materialized')() -}}
{% endmacro %}
{% macro duckdb__not_materialized() %}not materialized{% endmacro %}
{% macro spark__not_materialized() %}{% endmacro %}
