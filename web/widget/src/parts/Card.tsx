import type { WidgetCardView } from "../../../shared/schema";
import { Options, type OptionsProps } from "./Options";

type CardProps = Pick<OptionsProps, "live" | "chosen" | "press"> & { card: WidgetCardView };

export function Card({ card, ...choosing }: CardProps) {
  return (
    <div class="card">
      <div class="card-head">
        <p class="card-title" dir="auto">
          {card.title}
        </p>
        {card.meta && (
          <p class="card-meta" dir="auto">
            {card.meta}
          </p>
        )}
      </div>
      {card.body && (
        <p class="card-body" dir="auto">
          {card.body}
        </p>
      )}
      <Options options={card.options} look="buttons" label={card.title} {...choosing} />
    </div>
  );
}
