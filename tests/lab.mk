# SPDX-License-Identifier: MIT
# lab.mk - `make lab FILE=my_rule.c`: is one's own accept rule lossless? docs/lab.md teaches it.

ifneq ($(filter lab,$(MAKECMDGOALS)),)
ifeq ($(FILE),)
$(error make lab needs a rule: make lab FILE=docs/lab/membership.c)
endif
endif

# Arguments of `eagle prove` that replace the toy network: LAB="-m DIR -H DIR --temp 1".
LAB ?= -m testdata/toy -H testdata/toy-eagle1

.PHONY: lab
lab: all
	$(Q)mkdir -p $(out)/lab
	$(Q)$(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -g -O1 -Wall -Wextra -Iinclude -fPIC -shared \
	  -o $(out)/lab/$(notdir $(FILE:.c=.so)) $(FILE) -lm
	$(Q)$(BUILD)/eagle prove $(LAB) --verifier $(out)/lab/$(notdir $(FILE:.c=.so))
