//! Resting orders: their messages, and the calls that list and cancel them.

use awesomestock_proto::casino;
use awesomestock_proto::values::OPEN_ORDERS_MAX;
use tonic::{Code, Status};
use uuid::Uuid;

use super::convert::resting_order;
use super::error::is_of_transport;
use super::{Casino, Client, RequestError};
use crate::app::event::Response;
use crate::app::portfolio::open_orders::MAX_ENDED;

impl Client {
    /// Lists the resting orders. Fails if the casino has none, rejects the call or does not answer.
    pub(super) async fn orders(&self) -> Result<Response, RequestError> {
        let get_orders = async |mut casino: Casino, user| casino.get_orders(user).await;
        let orders = self.ask(self.user(), get_orders).await?;
        let open = orders.open.iter().filter_map(resting_order);
        let ended = orders.ended.iter().filter_map(resting_order);
        Ok(Response::Orders {
            open: open
                .filter(|order| order.end.is_none())
                .take(OPEN_ORDERS_MAX)
                .collect(),
            ended: ended
                .filter(|order| order.end.is_some())
                .take(MAX_ENDED)
                .collect(),
        })
    }

    /// Cancels an order. Returns it as it ended: a repeated call changes nothing.
    pub(super) async fn cancel(&self, id: Uuid) -> Result<Response, RequestError> {
        let request = casino::CancelOrderRequest {
            user: Some(self.user()),
            id: id.into_bytes().to_vec(),
        };
        let cancel_order = async |mut casino: Casino, request| {
            let answer = casino.cancel_order(request).await;
            answer.map_err(|status| name_order(status, id))
        };
        let answer = self.ask(request, cancel_order).await?;
        let by_call = answer.cancelled_by_call;
        resting_order(&answer)
            .filter(|order| order.id == id)
            .map(|order| Response::Cancelled { order, by_call })
            .ok_or_else(|| RequestError::invalid_response("an order that was not requested"))
    }
}

/// Names the order in the casino's answer that there is none.
fn name_order(status: Status, id: Uuid) -> Status {
    match status.code() {
        Code::NotFound if !is_of_transport(&status) => {
            Status::not_found(format!("you have no order with the ID {id}"))
        }
        _ => status,
    }
}
