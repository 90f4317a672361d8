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
    from ({{ new_raw_events(mark) }}) as records
    inner join {{ this }} as known
        on
            known.event_key
            = {{ hash_number("records.site_id || '|' || records.event_id") }}
            and known.site_id = records.site_id
            and known.event_id = records.event_id
            and known.log_partition > records.log_partition
    where records.log_partition < '{{ mark | map(attribute=0) | max }}'
{% endmacro %}

{#- Whether a known event is overtaken; asked first, for it hardly ever is. -#}
{% macro has_overtaking_records() %}
    {%- if not execute -%}{{- return(false) -}}{%- endif -%}
    {%- if not may_be_overtaken(watermark()) -%}{{- return(false) -}}{%- endif -%}
    {{- return(
        run_query('select 1 from (' ~ overtaking_records() ~ ') as found limit 1')
        .rows | length > 0
    ) -}}
{% endmacro %}

{% macro forget_overtaken_models() %}
    {%- if has_overtaking_records() -%}
        delete from {{ watermark_table() }} where model_name != '{{ this.name }}'
    {%- endif -%}
{% endmacro %}

{% macro delete_overtaken_events() %}
    {%- if has_overtaking_records() -%}
        delete from {{ this }}
        where exists (
            select 1
            from ({{ overtaking_records() }}) as overtaking
            where
                overtaking.site_id = {{ this.name }}.site_id
                and overtaking.event_id = {{ this.name }}.event_id
                and overtaking.log_partition < {{ this.name }}.log_partition
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
        from ({{ new_raw_events(watermark()) }}) as records
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
