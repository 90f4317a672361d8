{#-
Of several records with one id the first in the log is kept: by partition, then by
offset. So a retry changes nothing; but an import (`import` comes before `live`)
that repeats the id of a live event overtakes it. Then the live row is deleted and
every model downstream is built anew: rare, started by an operator, and exact.
-#}
{% macro overtaking_records() %}
    {%- set mark = watermark() -%}
    select
        records.site_id,
        records.event_id,
        records.log_partition
    from ({{ rows_since(source('raw', 'events'), mark) }}) as records
    inner join {{ this }} as known
        on
            known.event_key
            = {{ hash_number("records.site_id || '|' || records.event_id") }}
            and known.site_id = records.site_id
            and known.event_id = records.event_id
            and known.log_partition > records.log_partition
{% endmacro %}

{% macro forget_overtaken_models() %}
    {%- if execute and watermark() is not none -%}
        delete from {{ watermark_table() }}
        where
            model_name != '{{ this.name }}'
            and exists ({{ overtaking_records() }})
    {%- endif -%}
{% endmacro %}

{% macro delete_overtaken_events() %}
    {%- if execute and watermark() is not none -%}
        delete from {{ this }}
        where exists (
            select 1
            from ({{ overtaking_records() }}) as overtaking
            where
                overtaking.site_id = stg_events.site_id
                and overtaking.event_id = stg_events.event_id
                and overtaking.log_partition < stg_events.log_partition
        )
    {%- endif -%}
{% endmacro %}

{#- After staging: it has read the raw events as far as they go. -#}
{% macro save_raw_watermark() %}
    {%- if execute -%}
        insert into {{ watermark_table() }}
        select
            '{{ this.name }}' as model_name,
            log_partition,
            max(log_offset) + 1 as next_offset
        from ({{ rows_since(source('raw', 'events'), watermark()) }}) as records
        group by log_partition
    {%- endif -%}
{% endmacro %}

{#- Of its watermarks a partition's newest is kept. -#}
{% macro tidy_raw_watermark() -%}
    delete from {{ watermark_table() }}
    where
        model_name = '{{ this.name }}'
        and exists (
            select 1
            from {{ watermark_table() }} as newer
            where
                newer.model_name = watermarks.model_name
                and newer.log_partition = watermarks.log_partition
                and newer.next_offset > watermarks.next_offset
        )
{%- endmacro %}
