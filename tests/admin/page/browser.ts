/** A browser with the live page in it. It notes every request and every error of a page. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { launchChromium } from "../../support/chromium.ts";

/** Chromium reports every reply with an error status. These tests make some. */
const ERROR_STATUS = /^Failed to load resource/;
const AXE = new URL(import.meta.resolve("axe-core/axe.min.js"));

/** The rules of axe-core that depend on the colors. The others find the same in light and in dark. */
export const COLOR_RULES = ["color-contrast", "link-in-text-block"];

interface AxeRules {
  readonly except?: readonly string[];
  readonly only?: readonly string[];
}

export class OpenPage implements AsyncDisposable {
  readonly page: Page;
  /** URLs of all requests. */
  readonly requests: string[] = [];
  /** Exceptions, failed scripts, and violations of the Content-Security-Policy. */
  readonly errors: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("pageerror", ({ message }) => this.errors.push(message));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !ERROR_STATUS.test(message.text()))
        this.errors.push(message.text());
    });
  }

  /** The text of an element as a reader sees it, with plain spaces; empty if it is not displayed. */
  async text(selector: string): Promise<string> {
    // One evaluation: a locator's isVisible() and innerText() need several times the processor time.
    const text = await this.value<string | null>(`(() => {
      const elements = document.querySelectorAll(${JSON.stringify(selector)});
      if (elements.length > 1) return null;
      const [element] = elements;
      return element?.checkVisibility({ visibilityProperty: true }) ? element.innerText : "";
    })()`);
    if (text === null) throw new Error(`${selector} is more than one element`);
    return text.replaceAll(/\s+/g, " ").trim();
  }

  /** The texts of all elements that match. */
  async texts(selector: string): Promise<string[]> {
    const texts = await this.page.locator(selector).allInnerTexts();
    return texts.map((text) => text.replaceAll(/\s+/g, " ").trim());
  }

  /** Waits until the text of an element matches. */
  async shows(selector: string, wanted: string | RegExp): Promise<void> {
    let text = "";
    const fits = () => (typeof wanted === "string" ? text === wanted : wanted.test(text));
    const end = performance.now() + 20_000;
    while (performance.now() < end) {
      text = await this.text(selector);
      if (fits()) return;
      await Bun.sleep(20);
    }
    throw new Error(`${selector} shows "${text}" and not ${wanted}`);
  }

  /** The value of an expression in the page. */
  async value<T>(expression: string): Promise<T> {
    return (await this.page.evaluate(expression)) as T;
  }

  /**
   * What axe-core finds that is serious or critical: the rule and the elements.
   *
   * @param except - rules that it does not check
   * @param only - the rules that it checks; default all
   */
  async violations({ except = [], only }: AxeRules = {}): Promise<string[]> {
    // Evaluated, and not added as a script: the page's policy would refuse that.
    if (!(await this.value("'axe' in globalThis"))) await this.page.evaluate(await Bun.file(AXE).text());
    const options = {
      resultTypes: ["violations"],
      rules: Object.fromEntries(except.map((rule) => [rule, { enabled: false }])),
      ...(only && { runOnly: { type: "rule", values: only } }),
    };
    const results = await this.value<{ violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }>(
      `axe.run(document, ${JSON.stringify(options)})`,
    );
    return results.violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

export class PageBrowser implements AsyncDisposable {
  readonly #browser: Browser;

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async start(): Promise<PageBrowser> {
    return new PageBrowser(await launchChromium());
  }

  /** Opens a page in a browser profile of its own. */
  async open(url: string, options: BrowserContextOptions & { movableClock?: boolean } = {}): Promise<OpenPage> {
    const { movableClock = false, ...rest } = options;
    const context = await this.#browser.newContext({ timezoneId: "UTC", ...rest });
    const open = new OpenPage(await context.newPage());
    // Then the test can move the page's time forward.
    if (movableClock) await open.page.clock.install();
    await open.page.goto(url);
    return open;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}
