#include "adapt_kernels.h"
