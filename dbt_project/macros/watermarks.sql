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
        'select log_partition, max(next_offset) from ' ~ watermark_table()
        ~ " where model_name = '" ~ this.name ~ "' group by 1 order by 1"
    ).rows -%}
    {{- return(found if found | length else none) -}}
{% endmacro %}

{#-
The rows of a relation from the watermark on; all without one. A branch a
partition, its bounds as literals: so Parquet row groups and DuckDB segments are
skipped, which an `or` over partitions or a subquery prevents.
-#}
{% macro rows_since(relation, mark) %}
    {%- if mark is none or mark is undefined -%}
    select * from {{ relation }}
    {%- else -%}
        {%- for row in mark %}
    select * from {{ relation }}
    where
        log_partition = '{{ row[0] }}'
        and log_offset >= {{ row[1] }}
    union all
        {%- endfor %}
    select * from {{ relation }}
    where
        log_partition not in (
            {%- for row in mark %}'{{ row[0] }}'{{ ', ' if not loop.last }}{% endfor -%}
        )
    {%- endif -%}
{% endmacro %}

{#- Hooks: statements, so that they run inside the model's transaction. -#}

{#- Before a model that is to be built anew: forget how far it had read. -#}
{% macro forget_watermark() %}
    {%- if execute and watermark() is none -%}
        delete from {{ watermark_table() }} where model_name = '{{ this.name }}'
    {%- endif -%}
{% endmacro %}

{#- Before a model that is to be built anew: empty what stands of it. -#}
{% macro forget_rows() %}
    {%- if execute and is_incremental() and watermark() is none -%}
        delete from {{ this }}
    {%- endif -%}
{% endmacro %}

{#- After a model: it has read as far as each of its parents has. -#}
{% macro save_watermark(parents) %}
    {%- if execute -%}
        insert into {{ watermark_table() }}
        select
            '{{ this.name }}' as model_name,
            log_partition,
            min(next_offset) as next_offset
        from {{ watermark_table() }}
        where model_name in ('{{ parents | join("', '") }}')
        group by log_partition
        having count(*) = {{ parents | length }}
    {%- endif -%}
{% endmacro %}

{#- After a model: keep its newest watermark alone. -#}
{% macro tidy_watermark() %}
    {%- if execute -%}
        delete from {{ watermark_table() }}
        where
            model_name = '{{ this.name }}'
            and next_offset < (
                select max(newest.next_offset)
                from {{ watermark_table() }} as newest
                where
                    newest.model_name = '{{ this.name }}'
                    and newest.log_partition = watermarks.log_partition
            )
    {%- endif -%}
{% endmacro %}
