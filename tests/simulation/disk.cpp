#include "disk.hpp"

#include <sqlite3.h>

#include <utility>

#include "finding.hpp"
#include "store/batch_writer.hpp"
#include "store/opening.hpp"
#include "store/reading.hpp"

namespace heartbeat::simulation {
namespace {

constexpr Duration sync_interval{1'000};

store::Connection in_memory() { return {":memory:", store::Connection::Access::write, Duration{}}; }

void copy(store::Connection& from, store::Connection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.get(), "main", from.get(), "main");
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  require(code == SQLITE_DONE, "the simulated disk cannot be copied");
}

void apply(store::Connection& connection, const std::optional<store::Batch>& batch,
           const store::Clocks& clocks, const store::FileClock& clock) {
  if (batch) {
    store::BatchWriter(connection, clock).write(*batch, clocks);
  } else {
    connection.run("UPDATE globals SET closed = 1");
  }
}

}  // namespace

Disk::Disk(Timeline& timeline, Chance& chance, std::size_t alerts_kept, std::function<void()> wake)
    : timeline_(timeline),
      chance_(chance),
      alerts_kept_(alerts_kept),
      wake_(std::move(wake)),
      synced_(in_memory()) {
  store::create_tables(synced_);
  sync_each_second();
}

void Disk::open(const store::Clocks& clocks, const std::string& boot) {
  opened_ = clocks;
  boot_ = boot;
  ahead_ = timeline_.now() - clocks.now;
  always_fast_ = true;
  ends_in_order_ = false;
}

std::optional<store::State> Disk::load() {
  store::Connection all = in_memory();
  copy(synced_, all);
  for (const Kept& kept : kept_) {
    apply(all, kept.batch, kept.clocks, kept.clock);
  }
  clock_ = store::file_clock(all, opened_, boot_);
  auto state = store::read_state(all, opened_, alerts_kept_, boot_);
  if (timeline_.now() < full_until_ && state) {
    state->cut = true;
  } else {
    sync();
    ends_in_order_ = store::BatchWriter(synced_, clock_).open();
  }
  return state;
}

void Disk::write(std::unique_ptr<store::Batch> batch, const store::Clocks& clocks) {
  require(!task_ && !written_, "a batch is handed over while another is being written");
  const Instant now = timeline_.now();
  const bool slow = now < slow_until_;
  const Duration latency = chance_.time(Duration{0}, slow ? latency_max_ : Duration{3});
  const bool fails = now < full_until_;
  always_fast_ = always_fast_ && !slow && !fails;
  task_ = Task{std::move(batch), clocks, now, now + latency, fails, true};
  timeline_.at(task_->done, [this, task = ++tasks_] {
    if (task_ && task == tasks_) {
      finish_task();
      wake_();
    }
  });
}

void Disk::finish_task() {
  Task task = std::move(*task_);
  task_.reset();
  Written result;
  result.took = timeline_.now() - task.handed_over;
  if (task.fails) {
    result.error = name_ + ": no room";
  } else {
    keep(task);
  }
  result.batch = std::move(task.batch);
  written_ = std::move(result);
}

void Disk::batch_left_out(bool some) {
  if (task_ && task_->handed_over == timeline_.now()) {
    task_->whole = !some;
  }
}

void Disk::keep(const Task& task) {
  ends_in_order_ = true;
  kept_.push_back({*task.batch, task.clocks, clock_});
  const Instant whole_to = task.whole ? task.handed_over : last_ ? last_->whole_to : Instant{};
  last_ = Last{task.clocks, task.handed_over, whole_to, task.clocks.now + ahead_, boot_};
}

std::optional<store::Storage::Written> Disk::written() {
  return std::exchange(written_, std::nullopt);
}

std::optional<store::Storage::Written> Disk::wait_written(Duration limit) {
  if (task_ && task_->done <= timeline_.now() + limit) {
    finish_task();
  }
  return written();
}

void Disk::close() {
  if (task_) {
    finish_task();
  }
  written_.reset();
  if (ends_in_order_ && timeline_.now() >= full_until_) {
    kept_.push_back({std::nullopt, last_->clocks, clock_});
  }
}

void Disk::kill() {
  if (task_ && !task_->fails && chance_.one_in(2)) {
    finish_task();
  }
  task_.reset();
  written_.reset();
}

void Disk::cut_power() {
  task_.reset();
  written_.reset();
  kept_.clear();
  last_ = last_synced_;
}

void Disk::slow(Duration latency_max, Instant until) {
  latency_max_ = latency_max;
  slow_until_ = until;
}

void Disk::sync() {
  for (const Kept& kept : kept_) {
    apply(synced_, kept.batch, kept.clocks, kept.clock);
  }
  kept_.clear();
  last_synced_ = last_;
}

void Disk::sync_each_second() {
  timeline_.after(sync_interval, [this] {
    sync();
    sync_each_second();
  });
}

}  // namespace heartbeat::simulation
