with

final as (

    select * from {{ source('raw', 'sites') }}

)

select * from final
