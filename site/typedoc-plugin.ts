/** A plugin of typedoc: what its options cannot do. */
import {
  type Application,
  type Comment,
  type Context,
  Converter,
  PageEvent,
  Reflection,
  ReflectionKind,
} from "typedoc";
import { DOCS, REPOSITORY } from "./repository.ts";

/** Between the listeners of typedoc that find what is inherited (0) and that form groups of members (-100). */
const PRIORITY = -50;

/** A page lists no members that it inherits from a documented class, since it links to that. */
function removeInherited({ project }: Context): void {
  for (const member of project.getReflectionsByKind(ReflectionKind.SomeMember)) {
    if (member.isDeclaration() && member.inheritedFrom?.reflection) project.removeReflection(member);
  }
}

/** The documentation of an export: that of its first signature if it is a function. */
function commentOf(model: Reflection): Comment | undefined {
  return model.comment ?? (model.isDeclaration() ? model.signatures?.[0]?.comment : undefined);
}

/** The first sentence of the documentation, without markup. */
function descriptionOf(model: Reflection): string | undefined {
  const text = commentOf(model)
    ?.summary.map((part) => part.text)
    .join("");
  return text
    ?.split("\n\n")[0]
    ?.replaceAll(/[`*]|\s+/g, (found) => (found.trim() === "" ? " " : ""))
    .trim();
}

/** The description of pages that are not about one export. */
const OVERVIEW = "The entry points of the npm package whereabouts, and all that they export.";

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");

/** The guides as docstrings and api.md link to them, and the end of their address in the site. */
const GUIDE = new RegExp(`"${REPOSITORY}/blob/main/${DOCS}/([\\w-]+)\\.md`, "g");

/** Gives each page a description of its own, and leads from it to the guides. */
function finishPage(page: PageEvent): void {
  const { model, contents, url } = page;
  if (contents === undefined) return;
  const description = model instanceof Reflection ? descriptionOf(model) : undefined;
  const guides = "../".repeat(url.split("/").length);
  page.contents = contents
    .replace(/(<meta name="description" content=")[^"]*/, (_, start) => start + escaped(description ?? OVERVIEW))
    .replace(
      /<a href="[^"]*" class="title">[^<]*/,
      `<a href="${guides}index.html" class="title">Whereabouts: the guides`,
    )
    .replaceAll(GUIDE, `"${guides}$1.html`);
}

export function load(app: Application): void {
  app.converter.on(Converter.EVENT_RESOLVE_END, removeInherited, PRIORITY);
  app.renderer.on(PageEvent.END, finishPage);
}
