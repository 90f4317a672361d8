{#-
The raw events beyond a watermark; all without one.

DuckDB opens every file of a glob to read its statistics, however old it is; so it is
given the names of those alone that the watermark leaves something of, which their
names tell: `<partition>-<from>-<to>.parquet`. A file that compaction made of old and
new ones is among them, hence the bounds on offsets.
-#}
{% macro new_raw_events(mark) %}
    {{- return(adapter.dispatch('new_raw_events')(mark)) -}}
{% endmacro %}

{% macro default__new_raw_events(mark) %}
    {%- set events = source('raw', 'events') -%}
    {%- set partitions = run_query(
        'select distinct log_partition from ' ~ events ~ ' order by 1'
    ).columns[0].values() if mark is not none -%}
    {{- return(rows_since(events, mark, partitions)) -}}
{% endmacro %}

{% macro duckdb__new_raw_events(mark) %}
    {%- if mark is none or mark is undefined -%}
        {{- return('select * from ' ~ source('raw', 'events')) -}}
    {%- endif -%}
    {%- set files = [raw_events_folder() ~ 'received_date=1970-01-01/empty.parquet'] -%}
    {%- for row in new_raw_files(mark) -%}
        {%- do files.append(row[0]) -%}
    {%- endfor -%}
    {%- set bounds = [] -%}
    {%- for row in mark -%}
        {%- do bounds.append(
            "(log_partition = '" ~ row[0] ~ "' and log_offset >= " ~ row[1] ~ ')'
        ) -%}
    {%- endfor -%}
    {{- return(
        "select * from read_parquet(['"
        ~ files | map('replace', "'", "''") | join("', '")
        ~ "'], hive_partitioning = true) where " ~ bounds | join(' or ')
        ~ " or log_partition not in ('" ~ mark | map(attribute=0) | join("', '") ~ "')"
    ) -}}
{% endmacro %}

{#- The files that hold records beyond the watermark: file, partition, next offset. -#}
{% macro new_raw_files(mark) %}
    {%- set known = [] -%}
    {%- for row in mark -%}
        {%- do known.append("('" ~ row[0] ~ "', " ~ row[1] ~ ')') -%}
    {%- endfor -%}
    {%- set name = '([a-z0-9-]+)-[0-9]{12}-([0-9]{12})[.]parquet$' -%}
    {{- return(run_query(
        "with files as (select file, regexp_extract(file, '" ~ name
        ~ "', 1) as log_partition, try_cast(regexp_extract(file, '" ~ name
        ~ "', 2) as bigint) as next_offset from glob('"
        ~ raw_events_folder() | replace("'", "''") ~ "*/*.parquet')) "
        ~ 'select files.file, files.log_partition, files.next_offset from files '
        ~ 'left join (values ' ~ known | join(', ')
        ~ ') as known(log_partition, next_offset) '
        ~ 'on files.log_partition = known.log_partition '
        ~ 'where files.next_offset > coalesce(known.next_offset, 0) order by all'
    ).rows) -}}
{% endmacro %}

{% macro raw_events_folder() %}
    {{- return(env_var('CODE24_HOME') ~ '/raw/events/') -}}
{% endmacro %}

{#-
Whether a partition that comes before another has something new: only then can a
record overtake a known one.
-#}
{% macro may_be_overtaken(mark) %}
    {%- if mark is none -%}{{- return(false) -}}{%- endif -%}
    {{- return(adapter.dispatch('may_be_overtaken')(mark)) -}}
{% endmacro %}

{% macro default__may_be_overtaken(mark) %}
    {{- return(true) -}}
{% endmacro %}

{% macro duckdb__may_be_overtaken(mark) %}
    {%- set last = mark | map(attribute=0) | max -%}
    {%- set earlier = [] -%}
    {%- for row in new_raw_files(mark) if row[1] < last -%}
        {%- do earlier.append(row[1]) -%}
    {%- endfor -%}
    {{- return(earlier | length > 0) -}}
{% endmacro %}
