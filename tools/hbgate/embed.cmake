# Makes a source file that holds every file of a folder: cmake -DFOLDER=… -DOUTPUT=… -P embed.cmake
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/*)
list(SORT files)
set(arrays "")
set(entries "")
set(number 0)
foreach(file ${files})
  string(REGEX REPLACE ".*\\." "" extension ${file})
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "${FOLDER}/${file}: of no type that embed.cmake knows")
  endif()
  file(READ ${FOLDER}/${file} bytes HEX)
  file(SHA256 ${FOLDER}/${file} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "constexpr unsigned char file_${number}[] = {${bytes}};\n")
  string(APPEND entries
    "    {\"${file}\", \"${type_${extension}}\", \"\\\"${hash}\\\"\",\n"
    "     {reinterpret_cast<const char*>(file_${number}), sizeof file_${number}}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"page.hpp\"

namespace heartbeat::hbgate {
namespace {

${arrays}
const PageFile files[] = {
${entries}};

}  // namespace

std::span<const PageFile> page_files() { return files; }

}  // namespace heartbeat::hbgate
")
