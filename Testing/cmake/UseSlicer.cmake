# The macros that the extension calls; see SlicerConfig.cmake.

function(_refuse caller unknown)
  if(unknown)
    message(FATAL_ERROR "${caller} knows no ${unknown}")
  endif()
endfunction()

function(ctkMacroCompilePythonScript)
  cmake_parse_arguments(MY "NO_INSTALL_SUBDIR;GLOBAL_TARGET"
    "TARGET_NAME;SOURCE_DIR;DESTINATION_DIR;INSTALL_DIR" "SCRIPTS;RESOURCES" ${ARGN})
  _refuse(ctkMacroCompilePythonScript "${MY_UNPARSED_ARGUMENTS}")
  foreach(name IN ITEMS TARGET_NAME SCRIPTS DESTINATION_DIR INSTALL_DIR)
    if(NOT MY_${name})
      message(FATAL_ERROR "ctkMacroCompilePythonScript needs ${name}")
    endif()
  endforeach()
  if(NOT MY_NO_INSTALL_SUBDIR)
    message(FATAL_ERROR "without NO_INSTALL_SUBDIR the files would land one folder too deep")
  endif()
  if(NOT MY_DESTINATION_DIR STREQUAL "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
    message(FATAL_ERROR "${MY_DESTINATION_DIR} is not where Slicer looks in a build tree")
  endif()
  if(NOT MY_SOURCE_DIR)
    set(MY_SOURCE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  endif()
  # CMake makes a target of this name; two of them are an error.
  add_custom_target(Copy${MY_TARGET_NAME}PythonScriptFiles)
  foreach(file IN LISTS MY_SCRIPTS MY_RESOURCES)
    if(NOT EXISTS "${MY_SOURCE_DIR}/${file}" OR IS_DIRECTORY "${MY_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "${MY_TARGET_NAME} lists ${file}, which is no file")
    endif()
    get_filename_component(folder "${file}" DIRECTORY)
    install(FILES "${MY_SOURCE_DIR}/${file}" DESTINATION "${MY_INSTALL_DIR}/${folder}")
  endforeach()
  # CTK looks for Python so, to byte-compile. From 3.27 on CMake has no such module for a project whose
  # cmake_minimum_required goes as far (policy CMP0148).
  find_package(PythonInterp REQUIRED)
endfunction()

function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MY "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES"
    ${ARGN})
  _refuse(slicerMacroBuildScriptedModule "${MY_UNPARSED_ARGUMENTS}")
  ctkMacroCompilePythonScript(
    TARGET_NAME ${MY_NAME}
    SCRIPTS "${MY_SCRIPTS}"
    RESOURCES "${MY_RESOURCES}"
    DESTINATION_DIR "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}"
    INSTALL_DIR "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}"
    NO_INSTALL_SUBDIR
    )
endfunction()

# Writes down the tests of the extension, for the test that reads them.
function(slicer_add_python_unittest)
  cmake_parse_arguments(MY "" "SCRIPT;TESTNAME_PREFIX" "SLICER_ARGS" ${ARGN})
  _refuse(slicer_add_python_unittest "${MY_UNPARSED_ARGUMENTS}")
  if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT}")
    message(FATAL_ERROR "there is no test ${CMAKE_CURRENT_SOURCE_DIR}/${MY_SCRIPT}")
  endif()
  file(APPEND "${CMAKE_BINARY_DIR}/tests.txt" "${MY_SCRIPT}\n")
endfunction()
