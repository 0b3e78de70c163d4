/* SPDX-License-Identifier: MIT */
/* test_alloc.c - every allocation of every creation failed in turn, and rounds that allocate
 * nothing. */
