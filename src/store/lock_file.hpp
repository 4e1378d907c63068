// FILE.lock, beside a state file: who holds it may write. Not a lock on the file itself, because
// SQLite's readers lock that, and because closing any descriptor of it would drop SQLite's locks.
#pragma once

#include <string>

namespace heartbeat::store {

class LockFile {
 public:
  // Throws Unusable where another process holds it, by its id if that is to be read, and where the
  // file is another program's. REQUIRES: no link, by which another process might name the same
  // file.
  explicit LockFile(const std::string& state_file);
  // The file stays: who removed it could take it from another that has just locked it.
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  // It has its name no more: another process can make a new one, and hold that.
  bool moved() const;

 private:
  std::string path_;
  int fd_ = -1;
};

}  // namespace heartbeat::store
