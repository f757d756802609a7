# SPDX-License-Identifier: MIT
# What `cmake --install` puts where, and the Debian package (docs/install.md). All places are relative to the prefix, so
# that an installation can be moved.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)

set(HOLDOVER_PYTHON_DIR lib/python3/dist-packages CACHE STRING "Where the Python package goes, below the prefix")
set(documents share/doc/holdover)

# ---- The program, and what it looks for (pcie/own_files.h) ----
install(TARGETS holdover RUNTIME DESTINATION bin)
install(TARGETS holdover_kernel_image RUNTIME DESTINATION lib/holdover)
install(DIRECTORY ${PROJECT_BINARY_DIR}/lib/ DESTINATION lib/holdover OPTIONAL FILES_MATCHING
  PATTERN "holdover-endpoint-*.so")

set(manual ${PROJECT_BINARY_DIR}/holdover.1.gz)
add_custom_command(OUTPUT ${manual}
  COMMAND $<TARGET_FILE:holdover> manual > ${PROJECT_BINARY_DIR}/holdover.1
  COMMAND gzip -9nf ${PROJECT_BINARY_DIR}/holdover.1
  DEPENDS holdover
  COMMENT "Writing the manual page"
  VERBATIM)
add_custom_target(holdover_manual ALL DEPENDS ${manual})
install(FILES ${manual} DESTINATION share/man/man1)
install(FILES cli/holdover.bash DESTINATION share/bash-completion/completions RENAME holdover)

# ---- For C++: headers, one library, find_package(holdover) ----
# What these include belongs to them.
set(doors
  bench/booted_machine.h
  bench/kernels.h
  bench/measure/measure.h
  bench/run.h
  host/driver/endpoint_driver.h
  host/liveupdate/live_update.h
  host/measure/measurement.h
  host/system.h
  pcie/capability.h
  pcie/config_space.h
  pcie/tlp.h
  sim/trace_export.h
  sim/trace_filter.h
  sim/trace_reader.h
  sim/witness.h
)

# Appends `header`, and every header of ours that it includes, to the list named `result`.
function(holdover_headers header result)
  if("${header}" IN_LIST ${result})
    return()
  endif()
  list(APPEND ${result} ${header})
  set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
  file(STRINGS ${PROJECT_SOURCE_DIR}/${header} lines REGEX "^#include \"")
  foreach(line ${lines})
    string(REGEX REPLACE "^#include \"(.*)\".*" "\\1" included "${line}")
    holdover_headers(${included} ${result})
  endforeach()
  set(${result} ${${result}} PARENT_SCOPE)
endfunction()

foreach(door ${doors})
  holdover_headers(${door} headers)
endforeach()
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION include/holdover/${folder})
endforeach()

# Collects every static library of ours that `target` stands on in the global property HOLDOVER_LIBRARIES, and the names
# of all others in HOLDOVER_OTHERS.
function(holdover_collect target)
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  get_property(seen GLOBAL PROPERTY HOLDOVER_SEEN)
  if(target IN_LIST seen)
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY HOLDOVER_SEEN ${target})
  get_target_property(imported ${target} IMPORTED)
  get_target_property(type ${target} TYPE)
  set(linked)
  if(imported)
    foreach(property IMPORTED_LOCATION IMPORTED_LOCATION_RELEASE INTERFACE_LINK_LIBRARIES)
      get_target_property(value ${target} ${property})
      list(APPEND linked ${value})
    endforeach()
  elseif(type STREQUAL "STATIC_LIBRARY")
    set_property(GLOBAL APPEND PROPERTY HOLDOVER_LIBRARIES ${target})
    get_target_property(linked ${target} LINK_LIBRARIES)
  else()
    get_target_property(linked ${target} INTERFACE_LINK_LIBRARIES)
  endif()
  foreach(item ${linked})
    if(TARGET ${item})
      holdover_collect(${item})
    elseif(item MATCHES "/lib([^/]+)\\.(so|a)$")
      set_property(GLOBAL APPEND PROPERTY HOLDOVER_OTHERS ${CMAKE_MATCH_1})
    elseif(item MATCHES "^(-l)?([a-z0-9_]+)$")
      set_property(GLOBAL APPEND PROPERTY HOLDOVER_OTHERS ${CMAKE_MATCH_2})
    elseif(item MATCHES "::")
      message(FATAL_ERROR "${target} is linked with ${item}, which was found in another folder: find it here as well")
    endif()
  endforeach()
endfunction()

# Imported targets are seen in the folder that found them.
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
holdover_collect(holdover_bench)
holdover_collect(holdover_sim)
get_property(libraries GLOBAL PROPERTY HOLDOVER_LIBRARIES)
get_property(others GLOBAL PROPERTY HOLDOVER_OTHERS)
list(REMOVE_DUPLICATES others)
list(TRANSFORM libraries REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
add_library(holdover_library STATIC ${objects})
set_target_properties(holdover_library PROPERTIES OUTPUT_NAME holdover EXPORT_NAME library LINKER_LANGUAGE CXX)
target_compile_features(holdover_library INTERFACE cxx_std_20)
target_include_directories(holdover_library INTERFACE $<INSTALL_INTERFACE:include/holdover>)
target_link_libraries(holdover_library INTERFACE ${others})
install(TARGETS holdover_library EXPORT holdover ARCHIVE DESTINATION lib)
install(EXPORT holdover NAMESPACE holdover:: FILE holdoverTargets.cmake DESTINATION lib/cmake/holdover)
configure_package_config_file(cmake/holdoverConfig.cmake.in ${PROJECT_BINARY_DIR}/holdoverConfig.cmake
  INSTALL_DESTINATION lib/cmake/holdover NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/holdoverConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/holdoverConfig.cmake ${PROJECT_BINARY_DIR}/holdoverConfigVersion.cmake
  DESTINATION lib/cmake/holdover)

# ---- For Python ----
if(TARGET _holdover)
  install(TARGETS _holdover LIBRARY DESTINATION ${HOLDOVER_PYTHON_DIR}/holdover)
  install(DIRECTORY python/holdover/ DESTINATION ${HOLDOVER_PYTHON_DIR}/holdover FILES_MATCHING
    PATTERN "*.py" PATTERN "*.pyi" PATTERN "py.typed" PATTERN "__pycache__" EXCLUDE)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/python/holdover-${PROJECT_VERSION}.dist-info
    DESTINATION ${HOLDOVER_PYTHON_DIR})
endif()

# ---- For people who build boards, and for everybody ----
install(DIRECTORY rtl/ DESTINATION share/holdover/rtl FILES_MATCHING
  PATTERN "*.sv" PATTERN "*.svh" PATTERN "*.f" PATTERN "*.vlt" PATTERN "registers.toml")
install(DIRECTORY docs/ DESTINATION ${documents} FILES_MATCHING PATTERN "*.md")
install(FILES README.md DESTINATION ${documents})
install(FILES packaging/copyright DESTINATION ${documents})
install(DIRECTORY examples/ DESTINATION ${documents}/examples FILES_MATCHING
  PATTERN "*.py" PATTERN "__pycache__" EXCLUDE)

# ---- The Debian package: cpack -G DEB ----
set(changes ${PROJECT_BINARY_DIR}/changelog.gz)
add_custom_command(OUTPUT ${changes}
  COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/packaging/changelog > ${changes}
  DEPENDS ${PROJECT_SOURCE_DIR}/packaging/changelog
  VERBATIM)
add_custom_target(holdover_changelog ALL DEPENDS ${changes})
install(FILES ${changes} DESTINATION ${documents})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME holdover)
set(CPACK_PACKAGE_CONTACT "The Holdover authors <holdover@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "hardware-in-the-loop test bench for FPGA PCIe endpoints")
set(CPACK_PACKAGE_DESCRIPTION
"Holdover runs a PCIe endpoint in RTL below an emulated Linux kernel, replaces
the kernel by a live update, and judges what the device saw: whether its DMA
went on, byte for byte and in time. It comes with a command line program, a
Python package with fixtures for pytest, a library for C++, and the sources of
the endpoint.")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION electronics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(TARGET _holdover)
  # The extension module is built for one version of the interpreter.
  get_property(version GLOBAL PROPERTY HOLDOVER_PYTHON_VERSION)
  string(REPLACE "." ";" numbers ${version})
  list(GET numbers 0 major)
  list(GET numbers 1 minor)
  math(EXPR minor "${minor} + 1")
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "python3 (>= ${version}), python3 (<< ${major}.${minor}), python3-numpy")
  set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm)
  set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
endif()
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "bash-completion, python3-pytest")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3-matplotlib, man-db, g++, cmake, libfdt-dev, zlib1g-dev")
include(CPack)
