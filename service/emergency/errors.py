"""Named failures of emergencies."""

from __future__ import annotations

from service.errors import AppError, Forbidden


class OutsideOwnArea(Forbidden):
    """An activation is declared, changed and ended inside one's own area only."""

    code = "outside_own_area"
    zh = "只能在本人负责的区域（{areas}）内启动、调整或终止应急响应。"
    en = "An activation belongs inside your own area ({areas})."


class LevelAboveTier(Forbidden):
    """The plan leaves this level to a higher tier."""

    code = "level_above_tier"
    zh = "按预案，{roman}级响应由第 {tier} 级及以上启动。"
    en = "By the plan, level {level} is declared at tier {tier} or above."


class DeclaredAbove(Forbidden):
    """A higher tier declared it: a lower one neither ends nor changes it."""

    code = "declared_by_higher_tier"
    zh = "该响应由第 {tier} 级启动，您的层级不能{verb}。"
    en = "Tier {tier} declared this activation; your tier may not {action} it."


class CommandPassed(Forbidden):
    """While the area is activated, its committees and dispatchers command what stands there."""

    code = "command_passed"
    zh = "该区域正处于应急响应中，资源由村（社区）两委统一调度（24.2），请联系现场指挥。"
    en = "The area is activated: the village's committees command its resources now (24.2)."


class NotYourResource(Forbidden):
    """Neither the owner, nor who dispatches where it stands, nor who commands there."""

    code = "not_your_resource"
    zh = "只有资源所属单位、所在地调度员或应急指挥人员才能执行此操作。"
    en = "Only the owner, the dispatchers where it stands, or who commands there may do this."


class UnknownPlan(AppError):
    """There is no such emergency plan, or it is not in force today."""

    status, code = 422, "unknown_emergency_plan"
    zh = "没有编码为 {plan} 的现行应急预案（可能尚未生效、已过期或已停用）。"
    en = "No emergency plan {plan} is in force (it may not have begun, be over, or be retired)."


class PlanElsewhere(AppError):
    """The plan is of another area."""

    status, code = 422, "plan_of_another_area"
    zh = "预案 {plan} 适用于 {plan_area}，不适用于 {area}。"
    en = "Plan {plan} is for {plan_area} and not for {area}."


class LevelNotInPlan(AppError):
    """The plan has no rule for this level."""

    status, code = 422, "level_not_in_plan"
    zh = "预案 {plan} 没有{roman}级响应，可用级别：{levels}。"
    en = "Plan {plan} has no level {level}; it has {levels}."


class AlreadyInForce(AppError):
    """The same plan is in force for the same area already."""

    status, code = 409, "already_in_force"
    zh = "{area} 已按预案 {plan} 启动响应，请调整级别或先终止。"
    en = "Plan {plan} is in force for {area} already; change its level, or end it first."


class SameLevel(AppError):
    """The activation is at this level already."""

    status, code = 409, "same_level"
    zh = "响应级别已是{roman}级。"
    en = "The activation is at level {level} already."


class NoDrill(AppError):
    """Only a drill is evaluated."""

    status, code = 409, "not_a_drill"
    zh = "只有演练才需要评估。"
    en = "Only a drill is evaluated."


class BadNextDate(AppError):
    """The next drill lies after the one that is evaluated."""

    status, code = 422, "bad_next_date"
    zh = "下次演练日期应晚于本次演练结束日期。"
    en = "next_on must be a day after this drill's end."


class PlanInvalid(AppError):
    """The plan contradicts itself or names what is not there; `errors` lists each place."""

    status, code = 422, "emergency_plan_invalid"
    zh = "应急预案有 {count} 处错误，未保存。"
    en = "The emergency plan has {count} errors and was not stored."


class CodeTaken(AppError):
    """The code belongs to another entry."""

    status, code = 409, "code_taken"
    zh = "编码 {taken} 已被使用。"
    en = "The code {taken} is taken."


class IdTaken(AppError):
    """The client-made id belongs to another thing."""

    status, code = 409, "id_taken"
    zh = "标识 {id} 已被使用，请换新的标识。"
    en = "The id {id} is taken; make a new one."


class PlanRetired(AppError):
    """A retired plan is not revised."""

    status, code = 409, "emergency_plan_retired"
    zh = "预案 {plan} 已停用，不能再修改。"
    en = "Plan {plan} is retired and is not revised any more."


class UnknownUnit(AppError):
    """No unit in use has this code."""

    status, code = 422, "unknown_unit"
    zh = "没有编码为 {unit} 的在用单位。"
    en = "No unit in use has the code {unit}."


class UnknownItem(AppError):
    """The catalogue has no such item in use."""

    status, code = 422, "unknown_stock_item"
    zh = "物资目录中没有在用的 {item}。"
    en = "The catalogue has no item {item} in use."


class UnknownMode(AppError):
    """There is no such way of travelling."""

    status, code = 422, "unknown_travel_mode"
    zh = "没有名为 {mode} 的出行方式，可用：{known}。"
    en = "There is no way of travelling {mode}; there are {known}."


class UnknownActivation(AppError):
    """No activation that the caller may see has this id."""

    status, code = 422, "unknown_activation"
    zh = "没有标识为 {id} 的应急响应，或者不在您的权限范围内。"
    en = "There is no activation {id}, or it is outside what you may see."


class NotInForce(AppError):
    """The activation has ended."""

    status, code = 409, "activation_ended"
    zh = "该应急响应已于 {ended} 终止。"
    en = "The activation ended at {ended}."


class NotAvailable(AppError):
    """The resource is out of use."""

    status, code = 409, "resource_not_available"
    zh = "该资源当前不可用（{status}）。"
    en = "The resource is {status}."


class AlreadyAllocated(AppError):
    """A resource serves one activation at a time."""

    status, code = 409, "already_allocated"
    zh = "该资源已调配给应急响应 {activation}，请先释放。"
    en = "The resource is allocated to activation {activation}; release it first."


class NotAllocated(AppError):
    """The resource serves no activation."""

    status, code = 409, "not_allocated"
    zh = "该资源当前未被调配。"
    en = "The resource is not allocated."


class OverCapacity(AppError):
    """More was asked for than the resource holds."""

    status, code = 409, "over_capacity"
    zh = "调配数量 {asked} 超过资源容量 {capacity}。"
    en = "{asked} is more than the resource's capacity of {capacity}."


class NoStockHere(AppError):
    """Only supply points keep stock."""

    status, code = 409, "no_supply_point"
    zh = "只有物资储备点才有库存。"
    en = "Only a supply point keeps stock."


class StockShort(AppError):
    """A balance never falls below zero."""

    status, code = 409, "stock_short"
    zh = "库存不足：现有 {balance}，申领 {asked}，未作任何更改。"
    en = "The stock is short: {balance} there, {asked} asked for; nothing was changed."


class ReturnExceedsIssue(AppError):
    """More came back than went out."""

    status, code = 409, "return_exceeds_issue"
    zh = "归还数量 {asked} 超过未归还数量 {outstanding}；如为新增，请用“入库”。"
    en = "{asked} returned, but only {outstanding} are out; use `receive` for new supplies."


class StockTooLarge(AppError):
    """The balance would be larger than any store."""

    status, code = 422, "stock_too_large"
    zh = "结存将超过上限 {limit}。"
    en = "The balance would exceed {limit}."


class OutsideCounty(AppError):
    """The position lies in no grid of this county."""

    status, code = 422, "outside_county"
    zh = "位置（{lon:.6f}, {lat:.6f}，CGCS2000）不在本县任何网格内，请核对坐标系 crs 与定位。"
    en = "The position ({lon:.6f}, {lat:.6f}, CGCS2000) is in no grid of this county; check crs."


class BadPosition(AppError):
    """The position itself cannot be."""

    status, code = 422, "bad_position"
    zh = "坐标无效：{reason_zh}"
    en = "The position is not valid: {reason}"


class TracksNotAllowed(Forbidden):
    """No tracks outside an emergency (国办函〔2026〕12号)."""

    code = "tracks_not_allowed"
    zh = "您负责的区域没有正在进行的应急响应：非应急期间不采集轨迹（国办函〔2026〕12号）。"
    en = "No activation covers your area: tracks are not taken outside emergencies."


class NoContact(AppError):
    """Nobody left a contact for this resource."""

    status, code = 404, "no_contact"
    zh = "该资源没有登记联系人。"
    en = "The resource has no contact."
