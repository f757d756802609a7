# SPDX-License-Identifier: MIT
# Endpoints of other widths and channel counts, as shared objects that a program loads when it is asked for one
# (sim/model_library.h). None is part of `all`: the target `models` builds them.
include_guard(GLOBAL)
include(verilated_model)

set(HOLDOVER_MODELS 64x1 64x6 64x8 128x2 128x5 128x8 256x1 256x3 256x8 512x4 512x7 512x8 CACHE STRING
  "Data width x channels of the endpoints that `models` builds; every width, and every count from 1 to 8")

# What the pins need of our own code, once more for shared objects.
add_library(holdover_endpoint_parts STATIC EXCLUDE_FROM_ALL
  ${PROJECT_SOURCE_DIR}/pcie/bdf.cc
  ${PROJECT_SOURCE_DIR}/pcie/error.cc
  ${PROJECT_SOURCE_DIR}/pcie/tlp.cc
  ${PROJECT_SOURCE_DIR}/sim/waveform_file.cc
)
set_target_properties(holdover_endpoint_parts PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
target_include_directories(holdover_endpoint_parts PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdover_endpoint_parts PRIVATE holdover_warnings)

add_custom_target(models)

function(holdover_endpoint_model size)
  string(REGEX MATCH "^(64|128|256|512)x([1-8])$" matched "${size}")
  if(NOT matched)
    message(FATAL_ERROR "HOLDOVER_MODELS: «${size}» is no endpoint; it takes 64, 128, 256 or 512, then x, then 1 to 8")
  endif()
  set(width ${CMAKE_MATCH_1})
  set(channels ${CMAKE_MATCH_2})
  foreach(kind IN ITEMS plain wave)
    set(model holdover_model_${size})
    set(library holdover-endpoint-${size})
    set(trace)
    set(definitions)
    if(kind STREQUAL "wave")
      string(APPEND model _wave)
      string(APPEND library -wave)
      set(trace TRACE SLOW)
      set(definitions HOLDOVER_TRACED)
    endif()
    holdover_verilated_model(${model} TOP sim_top LIST rtl/endpoint.f FILES sim/rtl/sim_top.sv SHARED ${trace}
      PARAMETERS DataWidth=${width} ChannelCount=${channels})
    add_library(${model}_object MODULE EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/sim/verilated_endpoint.cc)
    target_compile_definitions(${model}_object PRIVATE HOLDOVER_MODEL=V${model} HOLDOVER_MODEL_HEADER="V${model}.h"
      HOLDOVER_MODEL_WIDTH=${width} HOLDOVER_MODEL_CHANNELS=${channels} ${definitions})
    target_link_libraries(${model}_object PRIVATE ${model} holdover_endpoint_parts holdover_warnings)
    set_target_properties(${model}_object PROPERTIES PREFIX "" OUTPUT_NAME ${library} CXX_VISIBILITY_PRESET hidden
      LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
    add_dependencies(models ${model}_object)
  endforeach()
endfunction()

foreach(size ${HOLDOVER_MODELS})
  holdover_endpoint_model(${size})
endforeach()
