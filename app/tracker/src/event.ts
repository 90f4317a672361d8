/** The collector's event, as far as a browser fills it. */

export const GOALS = ["sales", "leads", "signups", "bookings", "traffic"];

export type Metadata = Record<string, unknown>;

export interface TrackedEvent {
  id: string;
  siteId: string;
  eventType: "page_view" | "conversion" | "interaction";
  goalType?: string;
  conversionValue?: number;
  visitorId?: string;
  sessionId?: string;
  timestamp: string;
  sentAt?: string;
  url: string;
  referrer?: string;
  metadata: Metadata;
}
