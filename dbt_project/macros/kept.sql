{#-
What an increment has to look for, kept in a table of this model's own connection.

A model says which keys changed, then looks for them in history. Of a subquery the
engine guesses how many there are, and of a correlated one it first groups all of
history; either way it may build its hash table of history. Of a table it knows, and
builds that of the few keys. Written when the model is compiled, read by its hooks too. A model built anew, which
has no watermark, looks for nothing.
-#}
{% macro keep(name, mark, query) %}
    {%- if mark is not none -%}{%- do run_query(keep_rows(kept(name), query)) -%}{%- endif -%}
    {{- return(kept(name)) -}}
{% endmacro %}

{#- Its name. -#}
{% macro kept(name) %}{{- return(this.name ~ '__' ~ name) -}}{% endmacro %}

{% macro keep_rows(name, query) %}
    {{- return(adapter.dispatch('keep_rows')(name, query)) -}}
{% endmacro %}
{% macro duckdb__keep_rows(name, query) %}
    {{- return('create or replace temporary table ' ~ name ~ ' as ' ~ query) -}}
{% endmacro %}
{% macro spark__keep_rows(name, query) %}
    {{- return(
        'cache table ' ~ name ~ ' as ' ~ query
    ) -}}
{% endmacro %}

{#- Hook: delete the rows whose key is among the kept ones. -#}
{% macro delete_kept(name, columns) %}
    {%- if watermark() is not none -%}
        delete from {{ this }}
        where {{ among_kept(name, columns) }}
    {%- endif -%}
{% endmacro %}

{#- Whether a row's key is among the kept ones. -#}
{% macro among_kept(name, columns) -%}
    ({{ columns | join(', ') }}) in (
        select {{ columns | join(', ') }} from {{ kept(name) }}
    )
{%- endmacro %}
