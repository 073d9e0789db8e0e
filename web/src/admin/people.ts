// Accounts: found, given a role, shut, handed out as a file.

import { request } from "../api";
import { fill, h } from "../dom";
import { select } from "../frame";
import type { Visit } from "../main";
import { dateAndTime, t } from "../text";
import { saidBy } from "../views/form";
import { act, filters, keep, pages, table } from "./pages";
import { flag, records, text, type Fields } from "./read";

const words = t.admin.people;
const ROLES = ["candidate", "interviewer", "admin"] as const;
const PAGE = "25";

export function peoplePart(visit: Visit, slot: HTMLElement): void {
  const said = h("div", { "aria-live": "polite" });
  const box = h("tbody", {});
  const row = (one: Fields): HTMLElement => person(one, said);
  const pager = pages({ path: "/users", cursor: "before", box, none: t.admin.none, signal: visit.signal, rows: (answer) => records(answer, "users").map(row) });
  void pager.load({ limit: PAGE });
  const bar = filters(
    [
      { name: "search", label: t.admin.filter.search },
      { name: "role", label: t.admin.filter.role, options: ROLES.map((value) => ({ value, label: t.account.roles[value] ?? value })) },
    ],
    (query) => void pager.load({ ...query, limit: PAGE }),
  );
  const columns = [words.columns.person, words.columns.role, words.columns.since, words.columns.acts];
  slot.append(h("section", { class: "card stack" }, h("h2", {}, t.admin.tabs["people"]), bar, said, table(columns, box, "people"), pager.foot));
}

function person(one: Fields, said: HTMLElement): HTMLElement {
  const id = text(one, "id");
  const role = select(`role-${id}`, ROLES.map((value) => ({ value, label: t.account.roles[value] ?? value })));
  role.field.value = text(one, "role");
  role.field.setAttribute("aria-label", words.columns.role);
  const element = h("tr", {});
  const change = async (json: unknown): Promise<void> => {
    element.replaceWith(person((await request(`/users/${id}`, { method: "PATCH", json })) as Fields, said));
  };
  role.field.addEventListener("change", () => {
    change({ role: role.field.value }).catch((error: unknown) => {
      role.field.value = text(one, "role");
      fill(said, saidBy(error));
    });
  });
  const shut = flag(one, "disabled");
  element.append(
    h("td", {}, h("strong", {}, text(one, "username")), " ", text(one, "full_name"), " ", h("span", { class: "soft" }, text(one, "email")), shut ? h("span", { class: "chip bad" }, words.shut) : ""),
    h("td", {}, role.box),
    h("td", {}, dateAndTime(text(one, "created_at"))),
    h(
      "td",
      { class: "row" },
      h("a", { class: "button slim quiet", href: `/progress/${id}` }, words.progress),
      act(words.export, said, () => keep(`/users/${id}/export`, `user-${id}.json`)),
      act(shut ? words.enable : words.disable, said, () => change({ disabled: !shut })),
    ),
  );
  return element;
}
