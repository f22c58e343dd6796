# Writes down what the extension says of itself; Slicer takes it over into its own description.
foreach(name IN ITEMS HOMEPAGE CATEGORY CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  file(APPEND "${CMAKE_BINARY_DIR}/metadata.txt" "${name}=${EXTENSION_${name}}\n")
endforeach()
