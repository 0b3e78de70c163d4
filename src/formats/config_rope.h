/* SPDX-License-Identifier: MIT */
/* config_rope.h - the rotary embedding of a config.json, in its old and its new spelling. */
#ifndef EG_FORMATS_CONFIG_ROPE_H
#define EG_FORMATS_CONFIG_ROPE_H

#include "eagle/model.h"
#include "formats/json.h"

/* Reads rope_theta with rope_scaling, or rope_parameters, into config->rope and theta_given. */
eagle_status eg_config_read_rope(eagle_config *config, const eg_json_object *object,
                                 eagle_error *err);

#endif
