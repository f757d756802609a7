# SPDX-License-Identifier: MIT
# The whole endpoint: the same tests for every data width and channel count, each linked with a model of its own.
# `make test` runs HOLDOVER_CORE_SIZES; the target `core_matrix` builds all of them, and `make matrix` runs them.
set(HOLDOVER_CORE_SIZES 64x8 128x1 256x4 512x4 CACHE STRING
  "Data width x channels of the endpoints that the core tests of `make test` run on; every width, and 1 and 8 channels")

add_library(holdover_rtl_core_claims OBJECT
  core_alignment_test.cc
  core_bench_accesses.cc
  core_copy_test.cc
  core_error_test.cc
  core_heartbeat_test.cc
  core_limits_test.cc
  core_posted_test.cc
  core_record_test.cc
  core_size_test.cc
  core_stream_test.cc
  core_throughput_test.cc
)
target_include_directories(holdover_rtl_core_claims PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(holdover_rtl_core_claims PUBLIC holdover::pcie holdover::warnings GTest::gtest_main)

add_custom_target(core_matrix)

function(holdover_core_tests width channels)
  set(size ${width}x${channels})
  set(tests holdover_rtl_core_${size}_tests)
  if(size STREQUAL "256x4")
    set(model holdover_model)
  else()
    set(model holdover_core_${size})
    holdover_verilated_model(${model} TOP sim_top SLOW ASSERT LIST rtl/endpoint.f
      FILES sim/rtl/sim_top.sv sim/rtl/stream_checker.sv sim/rtl/request_checker.sv sim/rtl/tags_checker.sv
            sim/rtl/bind_checkers.sv
      PARAMETERS DataWidth=${width} ChannelCount=${channels})
  endif()
  add_executable(${tests} core_bench.cc)
  target_compile_definitions(${tests} PRIVATE
    HOLDOVER_MODEL=V${model} HOLDOVER_MODEL_HEADER="V${model}.h" HOLDOVER_MODEL_CHANNELS=${channels})
  target_link_libraries(${tests} PRIVATE holdover_rtl_core_claims ${model})
  add_dependencies(core_matrix ${tests})
  if(size IN_LIST HOLDOVER_CORE_SIZES)
    gtest_discover_tests(${tests} TEST_PREFIX "Core${size}." PROPERTIES LABELS "rtl")
  else()
    set_target_properties(${tests} PROPERTIES EXCLUDE_FROM_ALL ON)
    set_target_properties(${model} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()

foreach(width 64 128 256 512)
  foreach(channels RANGE 1 8)
    holdover_core_tests(${width} ${channels})
  endforeach()
endforeach()
