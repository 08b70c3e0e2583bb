program Till;
{ A complete till in Free Pascal 3.2 and later, without further units: till ID AMOUNT CURRENCY [TICKET], such as
  T1-000123 12850 HKD 88211. Build it with fpc till.pas.

  It speaks HTTP with the token over $CPMD_URL and ends with exit code 0 paid, 1 not paid, 2 not known. ID is the till's
  own. Write it down, on disk, before you ask: it is how you learn what came of a sale after a crash. Start this
  program again with the same arguments and it tells, without charging again. }
{$mode objfpc}{$H+}

uses
  SysUtils, Classes, DateUtils, fphttpclient, fpjson, jsonparser;

function Env(const Name, Default: string): string;
begin
  Result := GetEnvironmentVariable(Name);
  if Result = '' then
    Result := Default;
end;

function Token: string;
var
  Lines: TStringList;
begin
  Lines := TStringList.Create;
  try
    Lines.LoadFromFile(Env('CPMD_TOKEN_FILE', '/run/cpmd/token'));
    Result := Trim(Lines[0]);
  finally
    Lines.Free;
  end;
end;

{ Returns the status, and 0 without an answer. The caller frees Answer. }
function Ask(const Method, Path, Body: string; out Answer: TJSONObject): Integer;
var
  Http: TFPHTTPClient;
  Text: TStringStream;
begin
  Answer := nil;
  Result := 0;
  Http := TFPHTTPClient.Create(nil);
  Text := TStringStream.Create('');
  try
    try
      Http.IOTimeout := 40000; // longer than the longest wait below
      Http.AddHeader('Authorization', 'Bearer ' + Token);
      Http.AddHeader('Content-Type', 'application/json');
      if Body <> '' then
        Http.RequestBody := TStringStream.Create(Body);
      Http.HTTPMethod(Method, Env('CPMD_URL', 'http://127.0.0.1:8460') + Path, Text, []); // []: 4xx and 5xx are answers too
      Answer := GetJSON(Text.DataString) as TJSONObject;
      Result := Http.ResponseStatusCode;
    except
      on E: Exception do
        Result := 0; // not answered is not refused: ask again
    end;
    if Answer = nil then
    begin
      Result := 0;
      Answer := TJSONObject.Create(['detail', 'No answer.']);
    end;
  finally
    Http.RequestBody.Free;
    Text.Free;
    Http.Free;
  end;
end;

{ Returns 0 paid, 1 not paid, 2 not known. }
function Collect(const Id: string; Amount: Int64; const Currency, Ticket: string): Integer;
var
  Answer, Body: TJSONObject;
  Status: Integer;
  Seq: Int64;
  Code, State: string;
  GiveUp: TDateTime;
begin
  Seq := -1;
  GiveUp := IncMinute(Now, 3);
  while Now < GiveUp do
  begin
    if Seq < 0 then
    begin
      // The same again, as often as it takes: it never opens a second sale.
      Body := TJSONObject.Create(['amount', Amount, 'currency', Currency, 'ticket', Ticket]);
      try
        Status := Ask('PUT', '/v1/sales/' + Id, Body.AsJSON, Answer);
      finally
        Body.Free;
      end;
    end
    else
      Status := Ask('GET', Format('/v1/sales/%s?wait=25s&after=%d', [Id, Seq]), '', Answer);
    try
      if (Status = 0) or (Status >= 500) then
      begin
        WriteLn(Answer.Get('detail', ''), ' Asking again.');
        Flush(Output);
        Sleep(1000);
        Continue;
      end;
      if Status >= 400 then
      begin
        WriteLn(Answer.Get('detail', ''));
        Code := Answer.Get('code', '');
        if (Seq < 0) and ((Code = 'invalid_request') or (Code = 'unknown_lane') or (Code = 'lane_busy') or (Code = 'code_used')) then
          Exit(1); // refused: this sale was never opened, nothing was charged
        Exit(2);
      end;
      GiveUp := IncMinute(Now, 3);
      if Answer.Get('seq', Int64(0)) > Seq then
        WriteLn(Answer.Get('message', ''));
      Flush(Output);
      Seq := Answer.Get('seq', Int64(0));
      State := Answer.Get('state', '');
      if State = 'paid' then
        Exit(0);
      if State = 'not_paid' then
        Exit(1);
      if State = 'unresolved' then
        Exit(2);
    finally
      Answer.Free;
    end;
  end;
  Result := 2;
end;

begin
  ExitCode := Collect(ParamStr(1), StrToInt64(ParamStr(2)), ParamStr(3), ParamStr(4));
  case ExitCode of
    0: WriteLn('PAID');
    1: WriteLn('NOT PAID');
  else
    WriteLn('NOT KNOWN: do not charge again, ask later');
  end;
end.
