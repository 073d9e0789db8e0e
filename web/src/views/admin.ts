// The administration: which part an address shows, and the tabs between them. Each part knows its own lists only.

import { account } from "../account/session";
import { bankPart } from "../admin/bank";
import { interviewPart } from "../admin/interview";
import { interviewsPart } from "../admin/interviews";
import { logPart } from "../admin/log";
import { peoplePart } from "../admin/people";
import { statisticsPart } from "../admin/statistics";
import { webhooksPart } from "../admin/webhooks";
import { h } from "../dom";
import { show, showProblem } from "../frame";
import type { Visit } from "../main";
import { t } from "../text";
import { isStaff } from "./progress";

const TABS = ["interviews", "bank", "people", "statistics", "webhooks", "log"] as const;
/** Parts that interviewers do not see. */
const OF_ADMINS: readonly string[] = ["people", "webhooks", "log"];

export function adminView(visit: Visit, path: string): void {
  if (account() === null) return visit.go("/account");
  if (!isStaff()) return showProblem(visit.main, t.admin.title, t.admin.notAllowed);
  const [tab = "interviews", id] = path.split("/").filter((part) => part !== "");
  const slot = h("div", { class: "stack-wide" });
  const isAdmin = account()?.role === "admin";
  const tabs = TABS.filter((one) => isAdmin || !OF_ADMINS.includes(one));
  show(
    visit.main,
    t.admin.title,
    h(
      "div",
      { class: "admin stack-wide", testid: "admin" },
      h("h1", {}, t.admin.title),
      h("nav", { class: "row tabs", "aria-label": t.admin.title }, tabs.map((one) => h("a", { class: "button slim", href: `/admin/${one}`, "aria-current": one === tab ? "page" : null }, t.admin.tabs[one]))),
      slot,
    ),
  );
  if (tab === "bank") return bankPart(visit, slot);
  if (tab === "people" && isAdmin) return peoplePart(visit, slot);
  if (tab === "webhooks" && isAdmin) return webhooksPart(visit, slot);
  if (tab === "log" && isAdmin) return logPart(visit, slot, id ?? null);
  if (tab === "statistics") return statisticsPart(visit, slot);
  if (id !== undefined) return void interviewPart(visit, slot, id);
  interviewsPart(visit, slot);
}
