// A disk in virtual time under the real tables: what the state file's threads do with it (commits
// of whole batches, a sync each second) with latencies, errors, kills and power cuts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chance.hpp"
#include "store/reading.hpp"
#include "store/sqlite.hpp"
#include "store/storage.hpp"
#include "timeline.hpp"

namespace heartbeat::simulation {

class Disk final : public store::Storage {
 public:
  // `wake`: a batch's fate is known.
  Disk(Timeline& timeline, Chance& chance, std::size_t alerts_kept, std::function<void()> wake);

  // The next process that opens it, of the boot with this name.
  void open(const store::Clocks& clocks, const std::string& boot);
  const std::string& name() const override { return name_; }
  std::optional<store::State> load() override;
  void write(std::unique_ptr<store::Batch> batch, const store::Clocks& clocks) override;
  std::optional<Written> written() override;
  std::optional<Written> wait_written(Duration limit) override;

  // Of a batch that was handed over just now, if one was: whether it holds less than had changed.
  void batch_left_out(bool some);

  // How its process ends: in order, killed, or with the machine.
  void close();
  void kill();
  void cut_power();

  // Commits take up to so long, and fail, until `until`.
  void slow(Duration latency_max, Instant until);
  void full(Instant until) { full_until_ = until; }

  struct Last {
    store::Clocks clocks;
    Instant handed_over;  // of this world, as the next two
    Instant whole_to;     // all that was changed by then is in the file
    Instant written;      // when the clocks were read
    std::string boot;
  };
  // The last batch that is kept; nullopt: there is none.
  const std::optional<Last>& last() const { return last_; }
  // Since the last process opened it.
  bool always_fast() const { return always_fast_; }

 private:
  struct Kept {
    std::optional<store::Batch> batch;  // nullopt: closed in order
    store::Clocks clocks;
    store::FileClock clock;
  };
  struct Task {
    std::unique_ptr<store::Batch> batch;
    store::Clocks clocks;
    Instant handed_over;
    Instant done;
    bool fails = false;
    bool whole = true;
  };
  void finish_task();
  void keep(const Task& task);
  void sync();
  void sync_each_second();

  const std::string name_ = "state.db";
  Timeline& timeline_;
  Chance& chance_;
  std::size_t alerts_kept_;
  std::function<void()> wake_;
  store::Clocks opened_;
  std::string boot_;
  Duration ahead_{};  // this world's time, of the boot clock's
  store::FileClock clock_;
  bool ends_in_order_ = false;  // whether close() says so
  store::Connection synced_;    // the tables as they are on the medium
  std::vector<Kept> kept_;      // since then
  std::optional<Last> last_;
  std::optional<Last> last_synced_;
  std::optional<Task> task_;
  std::uint64_t tasks_ = 0;
  std::optional<Written> written_;
  Duration latency_max_{3};
  Instant slow_until_;
  Instant full_until_;
  bool always_fast_ = true;
};

}  // namespace heartbeat::simulation
