/* SPDX-License-Identifier: Apache-2.0 */
#include "rota/trust/rootslot.h"

bool rota_root_slot_begun(const struct rota_root_slot *slot, const struct rota_time *now)
{
	return !now->trusted || slot->from_s <= now->unix_s;
}

bool rota_root_slot_over(const struct rota_root_slot *slot, const struct rota_time *now)
{
	return now->trusted && slot->end_s != 0 && now->unix_s > slot->end_s + ROTA_SLOT_MARGIN_S;
}

bool rota_root_slot_covers(const struct rota_root_slot *slot, rota_num issued_s)
{
	if (slot->end_s == 0)
		return true;
	return issued_s + ROTA_SLOT_MARGIN_S >= slot->from_s &&
		issued_s <= slot->end_s + ROTA_SLOT_MARGIN_S;
}

rota_num rota_root_slot_clamp(const struct rota_root_slot *slot, rota_num issued_s)
{
	return slot->end_s != 0 && issued_s > slot->end_s ? slot->end_s : issued_s;
}
