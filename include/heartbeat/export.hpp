// What the shared library offers: only what these headers declare. Everything else in it is hidden.
#pragma once

// A function, or a class with all its functions.
#define HEARTBEAT_EXPORT __attribute__((visibility("default")))
// What such a class keeps to itself, defined inside the library.
#define HEARTBEAT_LOCAL __attribute__((visibility("hidden")))
