/* SPDX-License-Identifier: MIT */
/* eagle.h - everything the library offers. Read session.h first. */
#ifndef EAGLE_EAGLE_H
#define EAGLE_EAGLE_H

#include "eagle/corpus.h"
#include "eagle/drafter.h"
#include "eagle/evaluate.h"
#include "eagle/files.h"
#include "eagle/generate.h"
#include "eagle/model.h"
#include "eagle/oracle.h"
#include "eagle/probe.h"
#include "eagle/runtime.h"
#include "eagle/selftest.h"
#include "eagle/session.h"
#include "eagle/status.h"
#include "eagle/tokenizer.h"
#include "eagle/train.h"
#include "eagle/tree.h"
#include "eagle/verify.h"

#endif
