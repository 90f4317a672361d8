with

metrics as (

    select * from {{ source('raw', 'metrics') }}

),

final as (

    select
        *,
        {{ metric_definition() }} as definition
    from metrics

)

select * from final
