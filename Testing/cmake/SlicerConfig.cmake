# Stands in for a build of 3D Slicer, so that the extension's CMake lists can be tried without one.
#
# The macros keep the interface of Slicer's and CTK's, refuse what those would refuse, and install
# straight from the source tree what they are given; nothing is built or byte-compiled. Names and
# meanings: Slicer's CMake/SlicerMacroBuildScriptedModule.cmake, SlicerMacroPythonTesting.cmake and
# CTK's CMake/ctkMacroCompilePythonScript.cmake.

set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5.10/qt-scripted-modules")
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR "${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
if(STAND_IN)  # an empty one would be taken for the answer; without one, Python is looked for
  set(PYTHON_EXECUTABLE "${STAND_IN}")
endif()
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/ExtensionMetadata.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/ExtensionPackage.cmake")
