// The dashboard's files, as they lie in page/, held in the program.
#pragma once

#include <span>
#include <string_view>

namespace heartbeat::hbgate {

struct PageFile {
  std::string_view name;
  std::string_view content_type;
  std::string_view etag;  // quoted, changes with the bytes
  std::string_view bytes;
};

std::span<const PageFile> page_files();

}  // namespace heartbeat::hbgate
