// Before each convolution suite of a common translation unit: gives the file its own GetTestCases and so on. No guard,
// because the number of the file (RDNA1_FILE, made by cmake) is another one each time.
#include "conv2d.hpp"
#include "gtest/gtest_common.hpp"
#ifndef RDNA1_OWN
#define RDNA1_JOINED(name, file) name##_##file
#define RDNA1_JOIN(name, file) RDNA1_JOINED(name, file)
#define RDNA1_OWN(name) RDNA1_JOIN(name, RDNA1_FILE)
#define GetTestCases RDNA1_OWN(GetTestCases)
#define TestCase RDNA1_OWN(TestCase)
#define SkipTest RDNA1_OWN(SkipTest)
#define IsTestSupportedForDevice RDNA1_OWN(IsTestSupportedForDevice)
#define SetupEnvVar RDNA1_OWN(SetupEnvVar)
#endif
