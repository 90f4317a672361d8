{#- What has to stand before the first model: raw views and the watermarks. -#}
{% macro prepare_warehouse() %}
    {%- if execute -%}
        {%- set home = env_var('CODE24_HOME') -%}
        {%- do run_query('create schema if not exists raw') -%}
        {%- do run_query('create schema if not exists staging') -%}
        {%- for source in graph.sources.values() -%}
            {%- set files = home ~ '/raw/' ~ source.meta.files -%}
            {%- do run_query(
                'create or replace view raw.' ~ source.name
                ~ ' as select * from ' ~ parquet_files(files)
            ) -%}
        {%- endfor -%}
        {%- do run_query(create_watermarks()) -%}
        {%- do run_query(create_metrics_read()) -%}
    {%- endif -%}
{% endmacro %}

{% macro parquet_files(files) %}
    {{- return(adapter.dispatch('parquet_files')(files)) -}}
{% endmacro %}

{% macro duckdb__parquet_files(files) %}
    {{- return("read_parquet('" ~ files | replace("'", "''")
        ~ "', hive_partitioning = " ~ ('=' in files) ~ ")") -}}
{% endmacro %}

{% macro spark__parquet_files(files) %}
    {{- return('parquet.`' ~ files.split('*')[0] ~ '`') -}}
{% endmacro %}
