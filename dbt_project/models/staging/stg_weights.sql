with

final as (

    select * from {{ source('raw', 'weights') }}

)

select * from final
