#include "shims.h"

// A program of its own, so that a pod's sandbox costs a few hundred kilobytes and no Swift run time.
int main(int argc, char **argv) { return binnacle_sandbox_main(argc, argv); }
