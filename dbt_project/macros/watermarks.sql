{#-
Each incremental model remembers how far it has read: for each partition of the
event log the next offset. A model that fell behind, or that a crash stopped,
catches up by itself; one without a watermark is built anew.
-#}
{% macro watermark_table() %}{{- return('staging.watermarks') -}}{% endmacro %}

{% macro create_watermarks() %}
    {{- return(
        'create table if not exists ' ~ watermark_table()
        ~ ' (model_name ' ~ dbt.type_string() ~ ', log_partition '
        ~ dbt.type_string() ~ ', next_offset bigint)'
    ) -}}
{% endmacro %}

{#- The rows of this model's watermark; none where it is to be built anew. -#}
{% macro watermark() %}
    {%- if not execute or not is_incremental() -%}{{- return(none) -}}{%- endif -%}
    {%- set found = run_query(
        'select log_partition, next_offset from ' ~ watermark_table()
        ~ " where model_name = '" ~ this.name ~ "' order by 1"
    ).rows -%}
    {{- return(found if found | length else none) -}}
{% endmacro %}

{#-
The rows of a relation from the watermark on; all without one. A branch a
partition, its bounds as literals: so Parquet row groups and DuckDB segments are
skipped, which an `or` over partitions, `not in`, a range of names or a subquery
prevents. So the names of all partitions have to be known: those that staging has read.
-#}
{% macro rows_since(relation, mark, partitions=none) %}
    {%- if mark is none or mark is undefined -%}
    select * from {{ relation }}
    {%- else -%}
        {%- set offsets = dict(mark | map('list')) -%}
        {%- for name in partitions or read_partitions() %}
    select * from {{ relation }}
    where
        log_partition = '{{ name }}'
        and log_offset >= {{ offsets.get(name, 0) }}
    {{- '\n    union all' if not loop.last }}
        {%- endfor %}
    {%- endif -%}
{% endmacro %}

{#- The partitions of the log of which staging has read something. -#}
{% macro read_partitions() %}
    {{- return(run_query(
        'select distinct log_partition from ' ~ watermark_table()
        ~ " where model_name = 'stg_events' order by 1"
    ).columns[0].values()) -}}
{% endmacro %}

{#-
The hooks of an incremental model, each one statement, so that they are part of the
model's own transaction. `parents` are the incremental models it reads, through
views too: it has read no further than the one that has read least.
-#}
{% macro before_increment(further=[]) %}
    {{- return(
        ['{{ forget_watermark() }}', '{{ forget_rows() }}'] + further
    ) -}}
{% endmacro %}

{% macro after_increment(parents) %}
    {{- return([
        '{{ drop_watermark() }}',
        "{{ save_watermark(['" ~ parents | join("', '") ~ "']) }}",
    ]) -}}
{% endmacro %}

{#- What is to be built anew has read nothing. -#}
{% macro forget_watermark() %}
    {%- if execute and watermark() is none -%}{{- drop_watermark() -}}{%- endif -%}
{% endmacro %}

{#- What is to be built anew, and stands, is emptied. -#}
{% macro forget_rows() %}
    {%- if execute and is_incremental() and watermark() is none -%}
        delete from {{ this }}
    {%- endif -%}
{% endmacro %}

{% macro drop_watermark() -%}
    delete from {{ watermark_table() }} where model_name = '{{ this.name }}'
{%- endmacro %}

{% macro save_watermark(parents) -%}
    insert into {{ watermark_table() }}
    select
        '{{ this.name }}' as model_name,
        log_partition,
        min(next_offset) as next_offset
    from {{ watermark_table() }}
    where model_name in ('{{ parents | join("', '") }}')
    group by log_partition
    having count(*) = {{ parents | length }}
{%- endmacro %}
