/* SPDX-License-Identifier: MIT */
/* config_keys.h - which keys of a config.json are understood, and which cannot change results. */
#ifndef EG_FORMATS_CONFIG_KEYS_H
#define EG_FORMATS_CONFIG_KEYS_H

#include "formats/formats.h"
#include "formats/json.h"

/* EAGLE_EUNSUPPORTED, by name, for the first key that is neither understood nor harmless and
 * whose value is not neutral (null, false, or an empty list or object). */
eagle_status eg_config_check_keys(const eg_json_object *config, eg_config_kind kind,
                                  eagle_error *err);

#endif
