# SPDX-License-Identifier: MIT
# holdover_verilated_model(name TOP module FILES file... [LIST file.f] [TRACE] [ASSERT] [SLOW]
#                          [SHARED] [PARAMETERS name=value...])
#
# Runs Verilator when the model is built and compiles its output as one translation unit into the static library `name`,
# whose class is V<name>. FILES and LIST are relative to the project; warnings of Verilator are errors. SLOW: compiled
# for a short build; ASSERT: assertions are checked. SHARED: for a shared object, and built only where one needs it.
include_guard(GLOBAL)

find_program(VERILATOR verilator)
if(NOT VERILATOR)
  message(FATAL_ERROR "Verilator was not found; install it with: apt-get install verilator")
endif()
execute_process(COMMAND ${VERILATOR} --getenv VERILATOR_ROOT
  OUTPUT_VARIABLE VERILATOR_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)

# How what Verilator brings and writes is compiled: free of our warnings, without debug information. Under sanitizers
# only our own code is instrumented, because instrumenting the models takes longer than compiling all the rest.
add_library(holdover_verilator_options INTERFACE)
target_compile_options(holdover_verilator_options INTERFACE -g0 -w)
if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
  target_compile_options(holdover_verilator_options INTERFACE -fno-sanitize=all)
endif()

# Verilator's own sources, compiled once for all models, and once more for those in shared objects.
set(runtimes holdover_verilator_runtime holdover_verilator_runtime_shared)
set(runtime_sources
  ${VERILATOR_ROOT}/include/verilated.cpp
  ${VERILATOR_ROOT}/include/verilated_threads.cpp
  ${VERILATOR_ROOT}/include/verilated_fst_c.cpp
)
add_library(holdover_verilator_runtime STATIC ${runtime_sources})
add_library(holdover_verilator_runtime_shared STATIC EXCLUDE_FROM_ALL ${runtime_sources})
set_target_properties(holdover_verilator_runtime_shared PROPERTIES
  POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
foreach(runtime ${runtimes})
  target_include_directories(${runtime} SYSTEM PUBLIC ${VERILATOR_ROOT}/include ${VERILATOR_ROOT}/include/vltstd)
  target_compile_features(${runtime} PUBLIC cxx_std_17)
  target_compile_options(${runtime} PRIVATE -O1)
  target_link_libraries(${runtime} PUBLIC ZLIB::ZLIB Threads::Threads PRIVATE holdover_verilator_options)
endforeach()

function(holdover_verilated_model name)
  cmake_parse_arguments(arg "TRACE;ASSERT;SLOW;SHARED" "TOP;LIST" "FILES;PARAMETERS" ${ARGN})
  if(arg_LIST)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${arg_LIST})
    file(STRINGS ${PROJECT_SOURCE_DIR}/${arg_LIST} listed REGEX "^[^#]")
  endif()
  set(sources)
  foreach(file ${listed} ${arg_FILES})
    list(APPEND sources ${PROJECT_SOURCE_DIR}/${file})
  endforeach()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.verilated)
  set(prefix V${name})
  set(flags --cc -Wall --top-module ${arg_TOP} --prefix ${prefix} --Mdir ${folder} --output-split 0 -O3
    --x-assign fast --x-initial fast -I${PROJECT_SOURCE_DIR}/rtl)
  if(arg_TRACE)
    list(APPEND flags --trace-fst --trace-structs)
  endif()
  if(arg_ASSERT)
    list(APPEND flags --assert)
  endif()
  foreach(parameter ${arg_PARAMETERS})
    list(APPEND flags -G${parameter})
  endforeach()

  # One file that includes what Verilator wrote; which files those are is known only afterwards.
  set(unit ${folder}/${prefix}__unit.cpp)
  add_custom_command(
    OUTPUT ${unit} ${folder}/${prefix}.h
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}
    COMMAND ${VERILATOR} ${flags} ${PROJECT_SOURCE_DIR}/rtl/lint.vlt ${sources}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${folder} -DUNIT=${unit} -P ${PROJECT_SOURCE_DIR}/cmake/join_sources.cmake
    DEPENDS ${sources} ${PROJECT_SOURCE_DIR}/rtl/lint.vlt ${PROJECT_SOURCE_DIR}/rtl/ep_assert.svh
            ${PROJECT_SOURCE_DIR}/cmake/join_sources.cmake
    COMMENT "Verilating ${name}"
    VERBATIM)

  if(arg_SHARED)
    add_library(${name} STATIC EXCLUDE_FROM_ALL ${unit})
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
    target_link_libraries(${name} PUBLIC holdover_verilator_runtime_shared PRIVATE holdover_verilator_options)
  else()
    add_library(${name} STATIC ${unit})
    target_link_libraries(${name} PUBLIC holdover_verilator_runtime PRIVATE holdover_verilator_options)
  endif()
  target_include_directories(${name} SYSTEM PUBLIC ${folder})
  target_compile_features(${name} PUBLIC cxx_std_17)
  if(arg_SLOW)
    target_compile_options(${name} PRIVATE -O1)
  else()
    target_compile_options(${name} PRIVATE -O3)
  endif()
endfunction()
