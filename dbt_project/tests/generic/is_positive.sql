{#- Fails on each row whose value is null or below one. -#}
{% test is_positive(model, column_name) %}
    select {{ column_name }}
    from {{ model }}
    where
        {{ column_name }} is null
        or {{ column_name }} < 1
{% endtest %}
