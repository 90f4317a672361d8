{#- Tells rows whose channel is none of the default channel group. -#}
{% test is_channel(model, column_name) %}
select {{ column_name }}
from {{ model }}
where
    {{ column_name }} is null
    or {{ column_name }} not in ('{{ channels() | join("', '") }}')
{% endtest %}
